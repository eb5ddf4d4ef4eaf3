/**
 * What the bashes of commands are told.
 *
 * A lane is a bash that starts other ones, one at a time, and says how each ended. What it starts is a spare: a bash that
 * has done all its work but the command, which it waits for on its standard input. So a command costs neither the start
 * of a process nor that of bash, and has both to itself all the same.
 */
import { quote } from '../processes/index.ts';

/** The environment variable by which a command's processes are found, however far they have gone from it. */
export const commandMark = 'PADDOCK_COMMAND_ID';

/**
 * The program of a lane. It reads one line for each spare, `<id> <stdin> <stdout> <stderr>` with the names of pipes in
 * its folder, and writes `ended <id> <status>`; the spare has written `started <id> <pid>` before, with its pipes open.
 *
 * Job control gives each spare a process group. One that stops itself counts as ended, with a status that says nothing.
 * In the foreground one that dies of SIGINT would end the loop with it; `wait -f` can turn for ever in bash 5.2.
 */
export const laneScript = `set -m
SHLVL=$((SHLVL-1))
while IFS=' ' read -r id in out err; do
  ${commandMark}=$id bash -c "$1" bash 3>&1 <"$in" >"$out" 2>"$err" &
  wait "$!"
  status=$?
  if ((status>=147&&status<=150)) && [[ -n $(jobs -s) ]]; then disown; status=stopped; fi
  printf 'ended %s %s\\n' "$id" "$status"
done`;

/** The program of a spare: it runs what comes on its standard input up to a NUL byte. */
export const spareScript =
  // On one line, since messages name the line that the evaluation stands on.
  `printf 'started %s %s\\n' "$${commandMark}" "$$" >&3;exec 3>&-;` +
  'IFS= read -rd "" __paddock_c||exit;eval "unset -v __paddock_c;$__paddock_c"';

export interface Script {
  readonly text: string;
  readonly dir: string;
  /** Variables for the command, besides those that the spare has. */
  readonly env: Readonly<Record<string, string>>;
  /** Its standard input is what the spare was given it through; else there is nothing to read. */
  readonly readsInput: boolean;
  /** A script to source first, quietly. */
  readonly snapshotPath?: string | undefined;
}

/** Linux takes no argument, and no variable of the environment, longer than 128 KiB with its closing NUL. */
export const longestArgumentBytes = 128 * 1024 - 1;
/** Longer scripts go by file: a pipe is read byte by byte, and takes only so much before it is read. */
const longestInlineBytes = 4096;

/** What to send to a spare, without the NUL byte, after having written `content` to the file, if there is any. */
export function spareCommand(script: Script, file: string): { line: string; content?: string } {
  const { text } = script;
  const byFile = `mapfile -td '' __paddock_t <${quote(file)};eval "$__paddock_t"`;
  if (Buffer.byteLength(text) <= longestArgumentBytes) {
    const line = [...preparation(script), ...inOneWord(script)].join(';');
    if (Buffer.byteLength(line) <= longestInlineBytes) return { line };
    if (needsProgram(script)) return { line: byFile, content: line };
  }
  // A quoted word takes bash a time that grows with the square of its quotes: long text is read as it is.
  const evaluation = 'eval "unset -v __paddock_t;${__paddock_t[1]}"';
  const start = [...preparation(script), ...exported(script), evaluation].join(';');
  return { line: byFile, content: `${start}\0${text}` };
}

function preparation({ dir, readsInput, snapshotPath }: Script): string[] {
  return [
    `\\builtin cd -- ${quote(dir)}||exit`,
    'unset -v OLDPWD',
    ...(readsInput ? [] : ['exec </dev/null']),
    ...(snapshotPath === undefined ? [] : [`. ${quote(snapshotPath)} </dev/null >/dev/null 2>&1`]),
  ];
}

function inOneWord(script: Script): string[] {
  const { text, env } = script;
  if (!needsProgram(script)) return [...exported(script), `eval ${quote(text)}`];
  const variables = Object.entries(env).map(([name, value]) => quote(`${name}=${value}`));
  return [`exec env -- ${variables.join(' ')} "$BASH" -c ${quote(text)} bash`];
}

function exported({ env }: Script): string[] {
  const exports = Object.entries(env).map(([name, value]) => `${name}=${quote(value)}`);
  return [...(exports.length === 0 ? [] : [`export ${exports.join(' ')}`]), 'SECONDS=0'];
}

/** A bash of its own from the start, where evaluating the command in the spare would not come to the same. */
function needsProgram({ text, env }: Script): boolean {
  return traces.test(text) || Object.keys(env).some((name) => !plainName.test(name) || ownName.test(name));
}

/** Each `eval` adds a plus sign to the lines of a trace. */
const traces = /\bset\s+-\w*x|xtrace/;
const plainName = /^[A-Za-z_]\w*$/;
/** Variables that bash reads when it starts, or does not take from an assignment. */
const ownName =
  /^(_|BASH.*|LD_.*|IFS|PS4|SHELLOPTS|POSIXLY_CORRECT|E?UID|GROUPS|PPID|S?RANDOM|SECONDS|EPOCH.*|LINENO|FUNCNAME|DIRSTACK|HISTCMD|OPT.*|SHLVL|PWD|OLDPWD|MAIL.*|TMOUT)$/;
