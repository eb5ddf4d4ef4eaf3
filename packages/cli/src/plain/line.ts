import { cut } from '../declare/line.ts';

/**
 * Whether a command line is `run [FILE|-] [-- CMD...]`, which is how most sandboxes of a command line come to be, and what
 * somebody waits for each time. Without options there is nothing in it to be wrong, so that it does without the parser.
 */
export function isPlainRun(argv: readonly string[]): boolean {
  const [command, file, ...others] = cut(argv).own;
  const isOption = file !== undefined && file !== '-' && file.startsWith('-');
  return command === 'run' && !isOption && others.length === 0;
}
