import type { Command, Outcome } from '../src/shell/execution.ts';

/** A command that tries to break its session, and what must hold. */
export interface HostileCase {
  readonly name: string;
  readonly command: string | Command;
  /** The exit code, or another end. */
  readonly ends: number | Outcome;
  readonly prints?: string | RegExp;
  /** The session is over after it: the next command says so and runs in a fresh shell. */
  readonly endsSession?: true;
  /** What the session prints at `echo OK` afterwards, where that is not `OK`. */
  readonly after?: string | RegExp;
}

const stopped = { status: 'hard_timeout', exitCode: null } as const;
const killed = { status: 'terminated', exitCode: 137 } as const;

export const hostileCases: readonly HostileCase[] = [
  { name: 'PS1 with a fake prompt', command: "PS1='user@host$ '; PS2='> '", ends: 0 },
  { name: 'PROMPT_COMMAND that prints', command: "PROMPT_COMMAND='echo prompt'", ends: 0 },
  { name: 'PS0 and PS4', command: "PS0='ps0'; PS4='ps4'", ends: 0 },
  {
    name: 'standard output sent to a file',
    command: 'exec >out; echo in-file',
    ends: 0,
    prints: '',
    after: '',
  },
  {
    name: 'standard error sent to a file',
    command: 'exec 2>err; echo lost >&2; echo kept',
    ends: 0,
    prints: 'kept\n',
  },
  { name: 'standard output closed', command: 'exec 1>&-', ends: 0, after: /write error/ },
  { name: 'standard input replaced', command: 'exec </dev/null; cat', ends: 0, prints: '' },
  { name: 'standard input closed', command: 'exec 0<&-; echo a', ends: 0, prints: 'a\n' },
  { name: 'an unterminated double quote', command: 'echo "abc', ends: 2, prints: /unexpected EOF/ },
  { name: 'an unterminated single quote', command: "echo 'abc", ends: 2, prints: /unexpected EOF/ },
  { name: 'an unterminated heredoc', command: 'cat <<X\nabc\n', ends: 0, prints: /abc\n$/ },
  { name: 'an unterminated if', command: 'if true; then\necho a', ends: 2, prints: /syntax error/ },
  { name: 'a stray closing word', command: 'echo a\nfi\necho b', ends: 2, prints: /^a\n.*syntax error/ },
  { name: 'a closing brace', command: '}; echo a', ends: 2, prints: /syntax error/ },
  { name: 'a comment at the end', command: 'echo a # note', ends: 0, prints: 'a\n' },
  { name: 'a backslash at the end', command: 'echo a \\', ends: 0, prints: 'a \\\n' },
  { name: 'an empty command', command: '', ends: 0, prints: '' },
  { name: 'only a comment', command: '# nothing', ends: 0, prints: '' },
  { name: 'read with a limit', command: 'read -t 0.05 line; echo "r=$?"', ends: 0, prints: 'r=142\n' },
  { name: 'set -x', command: 'set -x', ends: 0, after: /^\++ echo OK\nOK\n$/ },
  {
    name: 'set -x and a syntax error',
    command: 'set -x; echo a\necho "',
    ends: 2,
    after: /^\++ echo OK\nOK\n$/,
  },
  { name: 'set -v', command: 'set -v', ends: 0, after: /OK\n$/ },
  {
    name: 'set -u and an unset variable',
    command: 'set -u; echo $nope; echo on',
    ends: 1,
    prints: /unbound/,
  },
  { name: 'set -f', command: 'set -f; echo *', ends: 0, prints: '*\n' },
  { name: 'set -n', command: 'set -n', ends: 0 },
  { name: 'set -a', command: 'set -a; A=1; env | grep ^A=', ends: 0, prints: 'A=1\n' },
  { name: 'set -o posix', command: 'set -o posix', ends: 0 },
  { name: 'set -o history', command: 'set -o history; set -H; echo a', ends: 0, prints: 'a\n' },
  { name: 'set -C', command: 'set -C', ends: 0 },
  { name: 'set +m', command: 'set +m; sleep 0.01', ends: 0 },
  {
    name: 'a required variable that is unset',
    command: 'echo ${nope?gone}; echo on',
    ends: 1,
    prints: /gone/,
  },
  { name: 'a division by zero', command: 'echo $((1/0)); echo on', ends: 1, prints: /division by 0/ },
  { name: 'a readonly variable', command: 'readonly R=1; R=2; echo on', ends: 1, prints: /readonly/ },
  { name: 'failglob', command: 'shopt -s failglob; echo /nope*', ends: 1, prints: /no match/ },
  { name: 'a DEBUG trap', command: "trap 'echo dbg' DEBUG", ends: 0, after: /^(dbg\n)+OK\n$/ },
  { name: 'an ERR trap', command: "trap 'echo err' ERR; false", ends: 1, prints: /^(err\n)+$/ },
  {
    name: 'an EXIT trap and exit',
    command: "trap 'echo bye' EXIT; exit 4",
    ends: 4,
    prints: /bye\n$/,
    endsSession: true,
  },
  { name: 'an INT trap', command: "trap 'echo int' INT; kill -INT $$", ends: 0, prints: 'int\n' },
  { name: 'an interrupt of itself', command: 'kill -INT $$; echo on', ends: 130, prints: '\n' },
  { name: 'stty raw', command: 'stty raw; echo a; echo b', ends: 0, prints: 'a\nb\n' },
  { name: 'stty with echo and CR LF', command: 'stty echo onlcr; echo a; echo b', ends: 0, prints: 'a\nb\n' },
  {
    name: 'a terminal made raw by a program',
    command: 'bash -c "stty -icanon -isig -opost"; echo a',
    ends: 0,
    prints: 'a\n',
  },
  {
    name: 'forged marks',
    command: "printf '\\033]paddock;1;e\\n\\033]paddock;1;s\\nx'",
    ends: 0,
    prints: '\x1b]paddock;1;e\n\x1b]paddock;1;s\nx',
  },
  { name: 'half a mark at the end', command: "printf 'x\\033]paddock;'", ends: 0, prints: 'x\x1b]paddock;' },
  { name: 'builtin redefined', command: 'builtin() { :; }', ends: 0 },
  { name: 'printf and eval redefined', command: 'printf() { :; }; eval() { :; }; exec() { :; }', ends: 0 },
  { name: 'printf disabled', command: 'enable -n printf', ends: 0 },
  {
    name: 'an alias on each word of ours',
    command: 'alias printf=false eval=false unset=false set=false',
    ends: 0,
  },
  { name: 'IFS changed', command: "IFS='0123456789s;'", ends: 0 },
  { name: 'PWD unset', command: 'unset PWD', ends: 0 },
  { name: 'the working directory removed', command: 'mkdir gone; cd gone; rmdir ../gone', ends: 0 },
  { name: 'PATH emptied', command: 'PATH=', ends: 0 },
  { name: 'return at the top', command: 'return 3; echo on', ends: 0, prints: /only `return'.*\non\n$/s },
  { name: 'a background job', command: 'sleep 30 & echo a', ends: 0, prints: /a\n$/ },
  { name: 'a job that ends later', command: '(sleep 0.02; echo late) & wait', ends: 0, prints: /late\n/ },
  { name: 'NUL bytes in output', command: "printf 'a\\0b'", ends: 0, prints: 'a\0b' },
  { name: 'bytes that are no text', command: "printf '\\377\\376'", ends: 0, prints: '\ufffd\ufffd' },
  {
    name: 'quotes, backslashes and expansions',
    command: `printf '%s\n' 'a'\\''b' "$(echo '\\')" \`echo c\``,
    ends: 0,
    prints: "a'b\n\\\nc\n",
  },
  { name: 'exit', command: 'exit 3', ends: 3, prints: '', endsSession: true },
  { name: 'exit after output', command: 'echo x; exit 0', ends: 0, prints: 'x\n', endsSession: true },
  { name: 'exec of a program', command: 'exec echo last', ends: 0, prints: 'last\n', endsSession: true },
  { name: 'set -e and a failure', command: 'set -e; false; echo on', ends: 1, prints: '', endsSession: true },
  { name: 'the shell killed', command: 'kill -9 $$', ends: killed, endsSession: true },
  {
    name: 'line editing switched on, which crashes bash',
    command: 'set -o vi',
    ends: { status: 'terminated', exitCode: 139 },
    endsSession: true,
  },
  {
    name: 'a program past its hard timeout',
    command: { text: 'sleep 60; echo on', hardTimeoutMs: 50 },
    ends: stopped,
    prints: /^\n?$/,
  },
  {
    name: 'a loop past its hard timeout',
    command: { text: 'while :; do :; done', hardTimeoutMs: 50 },
    ends: stopped,
  },
  {
    name: 'a program that ignores signals',
    command: { text: 'bash -c \'trap "" INT TERM; sleep 60\'', hardTimeoutMs: 50 },
    ends: stopped,
  },
  {
    name: 'a substitution that ignores signals',
    command: { text: 'x=$(trap "" INT TERM; sleep 60)', hardTimeoutMs: 50 },
    ends: stopped,
  },
  {
    name: 'a shell that ignores signals',
    command: { text: 'trap "" INT; while :; do :; done', hardTimeoutMs: 50 },
    ends: stopped,
    endsSession: true,
  },
];
