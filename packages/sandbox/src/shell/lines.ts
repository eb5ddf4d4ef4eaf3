/**
 * The lines that a session's shell reads, and what it reports back.
 *
 * The shell takes them from a pipe of its own, not from the terminal, so that no program can eat them, and what is
 * typed into the terminal never becomes one. A command is one line and a second one behind it:
 *
 * - The first prints the start mark, evaluates the command with the terminal as its input, and reports.
 * - bash drops the rest of a line when it is interrupted or when an expansion fails (`set -u`, `${x?}`, `$((1/0))`).
 *   The second line then reports instead; after a first line that came to its end it does nothing.
 *
 * Groups with their output thrown away keep traces and traps quiet that fire for our own commands. `\builtin` passes by
 * aliases and functions. Where `builtin` itself was redefined, an arithmetic error, which needs no command at all,
 * carries the report: the server then heals the shell and asks again.
 */
import { quote } from '../processes/index.ts';
import { endMark, startMark } from './marks.ts';
import type { ShellPaths } from './paths.ts';
import { type PromptEnd, parsePromptEnd } from './prompt.ts';

export interface CommandLine {
  /** A number that no other command of the session has; it goes into marks and reports. */
  readonly nonce: number;
  readonly command: string;
  /** The command is in the file for long ones. */
  readonly byFile: boolean;
  /** An existing folder to change to first, absolute. */
  readonly dir?: string | undefined;
  readonly preserveSymlinks: boolean;
  /** What `$?` is to be at the start of the command. */
  readonly previousExitCode: number;
  /** Bytes that may wait in the terminal and are not for the command. */
  readonly discardBytes?: number | undefined;
  /** The shell traces commands (`set -x`). */
  readonly traced: boolean;
}

/** The two lines that run a command. */
export function commandLines(line: CommandLine, paths: ShellPaths): string {
  const { nonce } = line;
  const start = [
    `__paddock_n=${nonce}`,
    ...(line.traced ? ['\\builtin set +x'] : []),
    ...(line.dir === undefined
      ? []
      : [`\\builtin cd ${line.preserveSymlinks ? '-L' : '-P'} -- ${quote(line.dir)}||:`]),
    ...(line.discardBytes === undefined
      ? []
      : [`\\builtin read -rs -t 0.05 -N ${line.discardBytes} __paddock_c <${quote(paths.terminal)}`]),
    ...(line.byFile ? [`\\builtin mapfile -d '' __paddock_c <${quote(paths.command)}`] : []),
    `\\builtin printf '${printed(startMark(nonce))}' >${quote(paths.terminal)}`,
  ].join(';');
  const status =
    line.previousExitCode === 0 ? '' : `{ ${exitCodeSet(line.previousExitCode)};} >/dev/null 2>&1;`;
  const command = line.byFile ? '"$__paddock_c"' : quote(tracedCommand(line));
  const run =
    `if { ${start};} >/dev/null 2>&1;then ${status}\\builtin eval ${command} 0<>${quote(paths.terminal)};fi;` +
    `{ __paddock_s=$?;${report(nonce, paths)};} >/dev/null 2>&1\n`;
  // The empty line: after a syntax error inside eval bash would take the next line's first word for an argument.
  return `${run}\n${recovery(nonce, paths)}`;
}

/** What is evaluated. Tracing goes on in a line of its own, so that a syntax error in the command cannot stop that. */
export function tracedCommand({ command, traced }: Pick<CommandLine, 'command' | 'traced'>): string {
  return traced ? `\\builtin set -x\n${command}` : command;
}

/** The line that reports for a command whose own report was lost. Harmless when it was not. */
export function recovery(nonce: number, paths: ShellPaths): string {
  return (
    `[[ -z \${__paddock_n-} || -z \${__paddock_s:=$?} ]]||{ ${report(nonce, paths)};} >/dev/null 2>&1;` +
    `[[ -z \${__paddock_n-} ]]||! ((${nonce}*\${__paddock_s:-1}/0)) 2>${quote(paths.reports)}\n`
  );
}

/** The line that makes `\builtin` mean what it should: in POSIX mode no function can stand before `unset`. */
export function healing(): string {
  return '{ POSIXLY_CORRECT=y;\\unset -f builtin enable;\\enable builtin eval printf set cd unset return;\\unset POSIXLY_CORRECT;} >/dev/null 2>&1\n';
}

/** The line that sets the terminal up as a session needs it, and reports when that is done. */
export function terminalReset(nonce: number, paths: ShellPaths): string {
  const report = `\\builtin printf '%s 0 %s %s\\0' ${nonce} "$-" "\${PWD-}" >${quote(paths.reports)}`;
  return `{ \\builtin command -p stty sane -echo -onlcr <${quote(paths.terminal)};${report};} >/dev/null 2>&1\n`;
}

/**
 * The script that a session's shell starts with. It first closes what leaks in: node-pty hands every child the
 * descriptors of the terminals that are open already. 255 is bash's own.
 */
export function startScript(commands: string, reports: string): string {
  return `for __paddock_f in /proc/self/fd/*; do
  __paddock_f=\${__paddock_f##*/}
  case $__paddock_f in 0|1|2|255) ;; *) eval "exec $__paddock_f>&-" ;; esac
done
set +o history +H
unset __paddock_f HISTFILE MAILCHECK PROMPT_COMMAND TMOUT
PS1= PS2=
command -p stty -echo -onlcr
exec 0<${quote(commands)}
printf '0 0 %s %s\\0' "$-" "$PWD" >${quote(reports)}
`;
}

/** What the shell says about a command. */
export type Report =
  | {
      readonly nonce: number;
      readonly kind: 'done';
      readonly exitCode: number;
      readonly flags: string;
      readonly dir: string;
    }
  | { readonly nonce: number; readonly kind: 'prompt'; readonly end: PromptEnd }
  /** The command is over, but the builtins that report are not what they should be. */
  | { readonly nonce: number; readonly kind: 'unwell' };

/** Reads reports out of the pipe's text: those that are whole, and what is left for later. */
export function parseReports(text: string): { reports: Report[]; rest: string } {
  const reports: Report[] = [];
  let rest = text;
  for (;;) {
    const end = rest.indexOf('\0');
    const unwell = /\(\(: (\d+)\*\d+\/0[^\n]*\n/.exec(end < 0 ? rest : rest.slice(0, end));
    if (unwell !== null) {
      reports.push({ nonce: Number(unwell[1]), kind: 'unwell' });
      rest = rest.slice(unwell.index + unwell[0].length);
      continue;
    }
    if (end < 0) return { reports, rest: rest.slice(-longestReport) };
    const prompt = /(\d+) prompt (\d+ [^\0]*)$/s.exec(rest.slice(0, end));
    if (prompt !== null) {
      reports.push({ nonce: Number(prompt[1]), kind: 'prompt', end: parsePromptEnd(prompt[2] ?? '') });
      rest = rest.slice(end + 1);
      continue;
    }
    const done = /(\d+) (\d+) (\S*) ([^\0]*)$/s.exec(rest.slice(0, end));
    if (done !== null) {
      const [, nonce, exitCode, flags = '', dir = ''] = done;
      reports.push({ nonce: Number(nonce), kind: 'done', exitCode: Number(exitCode), flags, dir });
    }
    rest = rest.slice(end + 1);
  }
}

/** Longer text without an end is none of ours. */
const longestReport = 256 * 1024;

/** What a report and the end mark need. `__paddock_n` stays set until both are written. */
function report(nonce: number, paths: ShellPaths): string {
  return [
    // Line editing, when a command switched it on, would take our lines for keystrokes.
    '[[ -o emacs || -o vi ]]&&\\builtin set +o emacs +o vi',
    `\\builtin printf '%s %s %s %s\\0' ${nonce} "$__paddock_s" "$-" "\${PWD-}" >${quote(paths.reports)}` +
      `&&\\builtin printf '${printed(endMark(nonce))}' >${quote(paths.terminal)}` +
      '&&\\builtin unset -v __paddock_n __paddock_s __paddock_c',
  ].join(';');
}

/** Sets `$?`; as the first part of a list it sets off neither `set -e` nor an ERR trap. */
function exitCodeSet(exitCode: number): string {
  return `__paddock_r() { \\builtin unset -f __paddock_r;\\builtin return ${exitCode};};__paddock_r&&:`;
}

/** A mark for printf, with the line end that shows how the terminal treats line ends. */
function printed(mark: string): string {
  return `${mark.replace('\x1b', '\\033')}\\n`;
}
