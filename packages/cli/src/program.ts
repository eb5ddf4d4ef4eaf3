import { Argument, Command, Option } from 'commander';
import pkg from '../package.json' with { type: 'json' };
import { languages } from './language.ts';
import type { GlobalOptions } from './reach.ts';

/**
 * Runs a command line and gives its exit code. What follows the first `--` goes to the sandbox as it is. Each command is
 * loaded when it is used.
 *
 * @throws CommanderError for a command line that does not fit, and what the command throws.
 */
export async function paddock(argv: readonly string[]): Promise<number> {
  const cut = argv.indexOf('--');
  const own = cut < 0 ? argv : argv.slice(0, cut);
  const rest = cut < 0 ? undefined : argv.slice(cut + 1);
  let exitCode = 0;
  const ends = (code: number) => {
    exitCode = code;
  };
  const program = root();
  addRun(program, rest, ends);
  addExec(program, rest, ends);
  await addServe(program, own, ends);
  addStatus(program);
  await program.parseAsync(own, { from: 'user' });
  return exitCode;
}

type Ends = (exitCode: number) => void;

function root(): Command {
  return new Command('paddock')
    .description('An isolated computer for each conversation of an agent.')
    .version(pkg.version)
    .option('--url <url>', 'the gateway (or PADDOCK_URL; http://127.0.0.1:8080 when neither is given)')
    .option('--api-key <key>', 'its key (better as SANDBOX_API_KEY, which other users cannot see)')
    .option('--json', 'print results as JSON')
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      `
Examples:
  $ paddock run hello.py                a program, in a sandbox of its own
  $ paddock serve                       the gateway, for backends and the other commands
  $ paddock exec chat-1 -- ls -la       a command in a sandbox that exists
  $ paddock status

A command's exit code is that of what ran in the sandbox. When paddock itself fails it is 125.`,
    );
}

function addRun(program: Command, rest: readonly string[] | undefined, ends: Ends): void {
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
    .addHelpText(
      'after',
      `
Behind -- stands a command, or with FILE the arguments of the program.
When no gateway listens at the usual address, one is started for this run alone.

Examples:
  $ paddock run analyse.py -- --rows 1000
  $ echo 'print(6 * 7)' | paddock run --lang python -
  $ paddock run -- uname -a
  $ paddock run -- bash -c 'echo $HOME | tr a-z A-Z'`,
    )
    .action(async (file: string | undefined, _, command: Command) => {
      const { run } = await import('./commands/run.ts');
      ends(await run({ file, rest, ...command.optsWithGlobals<GlobalOptions & { lang?: string }>() }));
    });
}

function addExec(program: Command, rest: readonly string[] | undefined, ends: Ends): void {
  program
    .command('exec')
    .usage('[options] ID -- CMD...')
    .description('Run a command in a sandbox that exists.')
    .argument('<id>', 'the sandbox')
    .addHelpText(
      'after',
      `
Examples:
  $ paddock exec chat-1 -- ls -la /mnt/user-data/workspace
  $ paddock exec chat-1 -- bash -c 'wc -l *.csv > lines.txt'`,
    )
    .action(async (id: string, _, command: Command) => {
      const { exec } = await import('./commands/exec.ts');
      ends(await exec({ id, rest, ...command.optsWithGlobals<GlobalOptions>() }));
    });
}

async function addServe(program: Command, argv: readonly string[], ends: Ends): Promise<void> {
  const command = program
    .command('serve')
    .description('Run the gateway until it is interrupted.')
    .option('--config <file>', 'the configuration file (or PADDOCK_CONFIG; ./paddock.yaml when there is one)')
    .addHelpText(
      'after',
      `
A flag wins over its variable, that over the file.

Examples:
  $ paddock serve
  $ paddock serve --port 9000 --network none
  $ SANDBOX_API_KEY=$(openssl rand -hex 16) paddock serve --host 0.0.0.0`,
    )
    .action(async (_, used: Command) => {
      const { serve } = await import('./commands/serve.ts');
      ends(await serve(used.optsWithGlobals<GlobalOptions & Record<string, unknown>>()));
    });
  // The table of settings brings the schema library with it, which the other commands should not wait for.
  if (!argv.includes('serve')) return;
  const { settingOptions } = await import('./commands/serve.ts');
  for (const option of settingOptions()) command.addOption(option);
}

function addStatus(program: Command): void {
  program
    .command('status')
    .description('Tell whether the gateway serves, and which sandboxes there are.')
    .addHelpText(
      'after',
      `
Examples:
  $ paddock status
  $ paddock --json status | jq .count`,
    )
    .action(async (_, command: Command) => {
      const { status } = await import('./commands/status.ts');
      await status(command.optsWithGlobals<GlobalOptions>());
    });
}
