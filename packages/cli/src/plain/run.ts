import { run } from '../commands/run.ts';
import { cut } from '../declare/line.ts';
import { reported } from '../report.ts';

/** Runs a command line of which `isPlainRun` is true, and gives its exit code, as `paddock` does for any. */
export function plainRun(argv: readonly string[]): Promise<number> {
  const { own, rest } = cut(argv);
  return reported(() => run({ file: own[1], rest }));
}
