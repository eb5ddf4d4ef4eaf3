const unknown = 1;

/** The exit code of a shell by what its session says of its end; that of a shell that a signal ended as shells tell it. */
export function exitCodeOf(why: string): number {
  const [, exitCode, signal] = /\b(?:exit code (\d+)|killed by signal (\d+))\b/.exec(why) ?? [];
  if (exitCode !== undefined) return Number(exitCode);
  return signal === undefined ? unknown : 128 + Number(signal);
}
