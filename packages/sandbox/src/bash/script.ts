/**
 * What the bashes of commands are told.
 *
 * A lane is a bash that forks, one at a time, shells for commands, and says how each ended. What it forks is a spare: it
 * has done all but the command, which it waits for on its standard input. So a command does not wait for the start of a
 * process, and a fork of a bash costs a sixth of the start of one. What a fork would show to a command that looks, such as
 * `$$`, the spare mends by becoming a new bash first: see `needsProgram`.
 */
import { quote } from '../processes/index.ts';

/** The environment variable by which the processes of a command are found, however far they have gone from it. */
export const commandMark = 'PADDOCK_COMMAND_ID';

const own = ['id', 'tag', 'in', 'out', 'err'].map((name) => `__paddock_${name}`);
const [id, tag, stdin, stdout, stderr] = own;

/** What a lane forks: it runs what comes on its standard input up to a NUL byte. */
const spareScript = [
  // The limit binds nobody since Linux 2.4, and all that the command starts inherits it: see commandMembers.
  `ulimit -Sx "$${tag}" 2>/dev/null`,
  `export ${commandMark}=$${id}`,
  `printf 'started %s %s\\n' "$${id}" "$BASHPID" >&3`,
  'exec 3>&-;set +m',
  `unset -v ${own.join(' ')}`,
  'IFS= read -rd "" __paddock_c||exit',
  'eval "unset -v __paddock_c BASH_EXECUTION_STRING;$__paddock_c"',
].join(';');

/**
 * The program of a lane. It reads one line for each spare, `<id> <tag> <stdin> <stdout> <stderr>` with the names of pipes
 * in its folder, and writes `ended <id> <status>`; the spare has written `started <id> <pid>` before, with its pipes open.
 *
 * Job control gives each spare a process group. One that stops itself counts as ended, with a status that says nothing.
 * In the foreground one that dies of SIGINT would end the loop with it; `wait -f` can turn for ever in bash 5.2.
 * All on one line, since messages name the line that the command's evaluation stands on.
 */
export const laneScript = [
  `set -m;while IFS=' ' read -r ${own.join(' ')};do `,
  `(${spareScript}) 3>&1 <"$${stdin}" >"$${stdout}" 2>"$${stderr}" & `,
  'wait "$!";__paddock_status=$?;',
  'if ((__paddock_status>=147&&__paddock_status<=150))&&[[ -n $(jobs -s) ]];',
  'then disown;__paddock_status=stopped;fi;',
  `printf 'ended %s %s\\n' "$${id}" "$__paddock_status";unset -v __paddock_status;done`,
].join('');

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
  const read = `mapfile -td '' __paddock_t <${quote(file)}`;
  const byFile = `${read};eval "$__paddock_t"`;
  const becomes = needsProgram(script);
  if (Buffer.byteLength(text) + snapshot(script).length <= longestArgumentBytes) {
    const line = instructions(script, becomes, becomes ? text : `eval ${quote(text)}`);
    if (Buffer.byteLength(line) <= longestInlineBytes) return { line };
    if (becomes) return { line: byFile, content: line };
  }
  // A quoted word takes bash a time that grows with the square of its quotes: long text is read as it is.
  const evaluation = 'eval "unset -v __paddock_t;${__paddock_t[1]}"';
  const first = instructions(script, becomes, becomes ? `${read};${evaluation}` : evaluation);
  return { line: byFile, content: `${first}\0${text}` };
}

/** @param becomes the command runs in a new bash that takes the place of the spare */
function instructions(script: Script, becomes: boolean, command: string): string {
  const { dir, readsInput, env } = script;
  const start = `\\builtin cd -- ${quote(dir)}||exit;unset -v OLDPWD;${readsInput ? '' : 'exec </dev/null;'}`;
  const variables = Object.entries(env);
  const isAssignable = ([name]: [string, string]) => plainName.test(name) && !ownName.test(name);
  const exports = variables
    .filter(isAssignable)
    .map(([name, value]) => `export ${name}=${quote(value)};`)
    .join('');
  if (!becomes) return `${start}${snapshot(script)}${exports}SECONDS=0;${command}`;
  const others = variables
    .filter((variable) => !isAssignable(variable))
    .map(([name, value]) => quote(`${name}=${value}`));
  const program = quote(`${snapshot(script)}${exports}${command}`);
  // `exec` does not take its own level back where the shell is a fork.
  return `${start}SHLVL=$((SHLVL-1));exec env -- ${others.join(' ')} "$BASH" -c ${program} bash`;
}

function snapshot({ snapshotPath }: Script): string {
  return snapshotPath === undefined ? '' : `. ${quote(snapshotPath)} </dev/null >/dev/null 2>&1;`;
}

/** A bash of its own from the start, where evaluating the command in a fork of another would not come to the same. */
function needsProgram({ text, env, snapshotPath }: Script): boolean {
  return (
    snapshotPath !== undefined ||
    tellsForks.test(text) ||
    Object.keys(env).some((name) => !plainName.test(name) || ownName.test(name))
  );
}

/**
 * What shows that the command is evaluated, and in a fork: traces, whose plus signs tell how deep an evaluation is; the exit
 * code where a variable must be set; the numbers of the bash that forked and of its last fork; text from elsewhere, which
 * may ask for these.
 */
const tellsForks =
  /\bset\s+-\w*[xu]|xtrace|nounset|\$\{\w+:?\?|\$[$!]|\$\{[$!]\W|PPID|BASH_(SUBSHELL|EXECUTION_STRING)|\beval\b|\bsource\b|(^|[\s;&|(){}!])\.\s/m;
const plainName = /^[A-Za-z_]\w*$/;
/** Variables that bash reads when it starts, or does not take from an assignment. */
const ownName =
  /^(_|BASH.*|LD_.*|IFS|PS4|SHELLOPTS|POSIXLY_CORRECT|E?UID|GROUPS|PPID|S?RANDOM|SECONDS|EPOCH.*|LINENO|FUNCNAME|DIRSTACK|HISTCMD|OPT.*|SHLVL|PWD|OLDPWD|MAIL.*|TMOUT)$/;
