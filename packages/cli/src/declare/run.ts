import { Argument, type Command, Option } from 'commander';
import { languages } from '../language.ts';
import type { GlobalOptions } from '../reach.ts';
import type { Line } from './line.ts';

/** Adds `run`. */
export function addRun(program: Command, { rest, ends }: Line): void {
  program
    .command('run')
    .usage('[options] [FILE|-] [-- CMD...]')
    .description('Run a program or a command in a new sandbox, which is gone afterwards.')
    .addArgument(new Argument('[file]', 'a program to send into the sandbox; - reads it from standard input'))
    .addOption(
      new Option('--lang <lang>', 'its language; told from the name when absent').choices(
        Object.keys(languages),
      ),
    )
    .option('-i, --interactive', 'hand on what is typed here to the program')
    .addHelpText(
      'after',
      `
Behind -- stands a command, or with FILE the arguments of the program. It reads standard input, when that is a pipe or a file.
The first Ctrl-C goes to the program, a second one ends it.
When no gateway listens at the usual address, one is started for this run alone.

Examples:
  $ paddock run analyse.py -- --rows 1000
  $ echo 'print(6 * 7)' | paddock run --lang python -
  $ paddock run -- uname -a
  $ paddock run count.py < words.txt
  $ paddock run -- bash -c 'echo $HOME | tr a-z A-Z'`,
    )
    .action(async (file: string | undefined, _, command: Command) => {
      const { run } = await import('../commands/run.ts');
      ends(
        await run({
          file,
          rest,
          ...command.optsWithGlobals<GlobalOptions & { lang?: string; interactive?: boolean }>(),
        }),
      );
    });
}
