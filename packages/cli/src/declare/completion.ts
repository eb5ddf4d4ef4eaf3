import { Argument, type Command } from 'commander';
import { shells } from '../completion/shells.ts';
import type { Line } from './line.ts';

/** Adds `completion`, and what the shells ask for candidates. */
export function addCompletion(program: Command, { rest = [] }: Line): void {
  program
    .command('completion')
    .description('Print the script that completes paddock in a shell.')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .addHelpText(
      'after',
      `
Examples:
  $ source <(paddock completion bash)                     # in ~/.bashrc
  $ paddock completion zsh > ~/.zfunc/_paddock            # a folder of $fpath
  $ paddock completion fish > ~/.config/fish/completions/paddock.fish`,
    )
    .action(async (shell: (typeof shells)[number]) => {
      const { scripts } = await import('../completion/scripts.ts');
      const { print } = await import('../output.ts');
      await print(scripts[shell]);
    });
  program.command('__complete', { hidden: true }).action(async () => {
    const { candidates } = await import('../completion/candidates.ts');
    const { print } = await import('../output.ts');
    await print((await candidates(program, rest)).map((line) => `${line}\n`).join(''));
  });
}
