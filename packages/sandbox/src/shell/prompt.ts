/**
 * How a person types into an idle session. The shell, which takes its lines from a pipe, is told to read one from the
 * terminal with line editing and to report it; the line then runs as any command does. A command that comes from
 * elsewhere meanwhile has the shell give up the half-typed line, which the next prompt begins with.
 */
import { quote } from '../processes/index.ts';
import type { ShellPaths } from './paths.ts';

/** What became of a prompt. */
export type PromptEnd =
  | { readonly how: 'entered'; readonly line: string }
  | { readonly how: 'given up'; readonly draft: string }
  /** Ctrl-D on an empty line. */
  | { readonly how: 'closed' }
  /** Ctrl-C. */
  | { readonly how: 'interrupted' };

/** Keys that no keyboard has: they end the line, and say that it was not the person who did. */
export const giveUpKeys = '\x1b[98~\x1b[99~';
const keyMaps = ['emacs', 'vi-insert', 'vi-command'];
const plainPrompt = '\\u@\\h:\\w\\$ ';

/** The lines that have the shell read a line. The second one reports when Ctrl-C made it drop the first. */
export function promptLines(nonce: number, draft: string, paths: ShellPaths): string {
  const terminal = quote(paths.terminal);
  const reports = quote(paths.reports);
  const bindings = keyMaps.flatMap((map) => [
    `\\builtin bind -m ${map} -x '"\\e[98~":__paddock_g=1'`,
    `\\builtin bind -m ${map} '"\\e[99~":accept-line'`,
  ]);
  const start = [
    `\\builtin command -p stty sane <${terminal}`,
    ...bindings,
    `__paddock_n=${nonce};__paddock_g=;__paddock_p=\${PS1:-${quote(plainPrompt)}}`,
  ].join(';');
  const read = `IFS= \\builtin read -rep "\${__paddock_p@P}" -i ${quote(draft)} __paddock_l <${terminal} >${terminal} 2>&1`;
  const report = [
    `\\builtin printf '%s prompt %s%s %s\\0' ${nonce} "$__paddock_s" "$__paddock_g" "$__paddock_l" >${reports}`,
    // Known to the line editor of the next prompt, as in a shell of one's own.
    '[[ $__paddock_g || -z $__paddock_l ]]||\\builtin history -s -- "$__paddock_l"',
    '\\builtin unset -v __paddock_n __paddock_s __paddock_l __paddock_g __paddock_p',
  ].join(';');
  return (
    `{ ${start};} >/dev/null 2>&1;${read};{ __paddock_s=$?;${report};} >/dev/null 2>&1\n\n` +
    `[[ -z \${__paddock_n-} ]]||{ \\builtin unset -v __paddock_n;\\builtin printf '%s prompt 130 \\0' ${nonce} >${reports};} >/dev/null 2>&1\n`
  );
}

/** Reads what follows the number and the word `prompt` in a report. */
export function parsePromptEnd(report: string): PromptEnd {
  const [, status, given, line = ''] = /^(\d+?)(1?) (.*)$/s.exec(report) ?? [];
  if (status === '130') return { how: 'interrupted' };
  if (given === '1') return { how: 'given up', draft: line };
  return status === '0' || line !== '' ? { how: 'entered', line } : { how: 'closed' };
}
