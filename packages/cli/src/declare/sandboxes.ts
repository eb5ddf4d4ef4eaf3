import type { Command } from 'commander';
import type { GlobalOptions } from '../reach.ts';
import type { Line } from './line.ts';

/** Adds the commands on sandboxes that exist: `create`, `exec`, `shell`, `cp`, `logs`, `url`, `ls`, `rm`. */
export function addSandboxes(program: Command, line: Line): void {
  addCreate(program);
  addExec(program, line);
  addShell(program, line);
  addCp(program);
  addLogs(program);
  addUrl(program);
  addLs(program);
  addRm(program);
}

function addCreate(program: Command): void {
  program
    .command('create')
    .usage('[options] [ID]')
    .description('Create a sandbox that stays, and print its id.')
    .argument('[new-id]', 'its id, of letters, digits, _ and -; a random one when absent')
    .option('--template <name>', 'the kind of sandbox, as the setting templates of the gateway names it')
    .option('--metadata <name=value...>', 'entries of your own, by which lists can be filtered')
    .addHelpText(
      'after',
      `
An id that exists is that sandbox, as it is. It stays until \`paddock rm\`, or until it expires.

Examples:
  $ paddock create chat-1
  $ id=$(paddock create) && paddock exec "$id" -- uname -a
  $ paddock create chat-2 --template large --metadata user=ada`,
    )
    .action(async (id: string | undefined, _, command: Command) => {
      const { create } = await import('../commands/create.ts');
      await create({ id, ...command.optsWithGlobals<GlobalOptions & CreateChoice>() });
    });
}

interface CreateChoice {
  readonly template?: string;
  readonly metadata?: string[];
}

function addExec(program: Command, { rest, ends }: Line): void {
  program
    .command('exec')
    .usage('[options] ID -- CMD...')
    .description('Run a command in a sandbox that exists.')
    .argument('<id>', 'the sandbox')
    .option('-i, --interactive', 'hand on what is typed here to the command')
    .addHelpText(
      'after',
      `
The command reads standard input, when that is a pipe or a file. The first Ctrl-C goes to it, a second one ends it.

Examples:
  $ paddock exec chat-1 -- ls -la /mnt/user-data/workspace
  $ tar c src | paddock exec chat-1 -- tar x -C /tmp
  $ paddock exec chat-1 -- bash -c 'wc -l *.csv > lines.txt'`,
    )
    .action(async (id: string, _, command: Command) => {
      const { exec } = await import('../commands/exec.ts');
      ends(await exec({ id, rest, ...command.optsWithGlobals<GlobalOptions & { interactive?: boolean }>() }));
    });
}

function addShell(program: Command, { ends }: Line): void {
  program
    .command('shell')
    .description('Open a shell of a sandbox in this terminal.')
    .argument('<id>', 'the sandbox')
    .option('--session <session>', 'come back to a session; a new one when absent')
    .option('--detach-key <key>', 'the key that leaves the session and lets it go on, or none', '^]')
    .addHelpText(
      'after',
      `
Ctrl-] leaves the session as it is, with all that runs in it; exit ends it. A connection that breaks is made anew.
The exit code is that of the shell, 0 when it was left.

Examples:
  $ paddock shell chat-1
  $ paddock shell chat-1 --session 8f2c`,
    )
    .action(async (id: string, _, command: Command) => {
      const { shell } = await import('../commands/shell.ts');
      const given = command.optsWithGlobals<GlobalOptions & { session?: string; detachKey: string }>();
      ends(await shell({ id, ...given }));
    });
}

function addCp(program: Command): void {
  program
    .command('cp')
    .usage('[options] SOURCE TARGET')
    .description('Copy a file or folder into a sandbox, or out of it.')
    .argument('<source>', 'what to copy: ID:PATH in a sandbox, else a path of this machine')
    .argument('<target>', 'where to: a folder that is there, or the new name')
    .addHelpText(
      'after',
      `
A path of a sandbox that does not begin with / starts at its workspace.

Examples:
  $ paddock cp data.csv chat-1:
  $ paddock cp src chat-1:/tmp/build
  $ paddock cp chat-1:/mnt/user-data/outputs ./results`,
    )
    .action(async (source: string, target: string, _, command: Command) => {
      const { cp } = await import('../commands/cp.ts');
      await cp(source, target, command.optsWithGlobals<GlobalOptions>());
    });
}

function addLogs(program: Command): void {
  program
    .command('logs')
    .usage('[options] ID')
    .description('Print the log of a sandbox: what its server said, and what became of it.')
    .argument('<id>', 'the sandbox')
    .option('-f, --follow', 'go on with what comes, until the sandbox is gone')
    .option('-n, --tail <lines>', 'only the last lines')
    .option('--since <time>', 'only from a time on: 2026-01-31T09:00:00Z, or 90s, 15m, 2h, 1d ago')
    .addHelpText(
      'after',
      `
A line has a time, a source (life or server) and a text. With --json each is an object.

Examples:
  $ paddock logs chat-1
  $ paddock logs -f --tail 20 chat-1
  $ paddock logs --since 10m --json chat-1 | jq -r .text`,
    )
    .action(async (id: string, _, command: Command) => {
      const { logs } = await import('../commands/logs.ts');
      await logs({ id, ...command.optsWithGlobals<GlobalOptions & LogsChoice>() });
    });
}

interface LogsChoice {
  readonly follow?: boolean;
  readonly tail?: string;
  readonly since?: string;
}

function addUrl(program: Command): void {
  program
    .command('url')
    .usage('[options] ID [PORT]')
    .description('Print where a sandbox is, or a program that listens in it.')
    .argument('<id>', 'the sandbox')
    .argument('[port]', 'the port of a program')
    .addHelpText(
      'after',
      `
Where a program has a web origin of its own, that is printed; else its path below the sandbox.

Examples:
  $ curl "$(paddock url chat-1)/v1/sandbox"
  $ paddock exec chat-1 -- bash -c 'python3 -m http.server 3000 >/dev/null 2>&1 &'
  $ open "$(paddock url chat-1 3000)"`,
    )
    .action(async (id: string, port: string | undefined, _, command: Command) => {
      const { url } = await import('../commands/url.ts');
      await url({ id, port, ...command.optsWithGlobals<GlobalOptions>() });
    });
}

function addLs(program: Command): void {
  program
    .command('ls')
    .description('List the sandboxes.')
    .option('-a, --all', 'also those that are stopped or still start')
    .option('-q, --quiet', 'print ids alone')
    .addHelpText(
      'after',
      `
Examples:
  $ paddock ls
  $ paddock ls -q | xargs paddock rm`,
    )
    .action(async (_, command: Command) => {
      const { ls } = await import('../commands/ls.ts');
      await ls(command.optsWithGlobals<GlobalOptions & { all?: boolean; quiet?: boolean }>());
    });
}

function addRm(program: Command): void {
  program
    .command('rm')
    .usage('[options] ID...')
    .description('End sandboxes and delete their files.')
    .argument('<ids...>', 'the sandboxes')
    .addHelpText(
      'after',
      `
Examples:
  $ paddock rm chat-1 chat-2`,
    )
    .action(async (ids: string[], _, command: Command) => {
      const { rm } = await import('../commands/rm.ts');
      await rm(ids, command.optsWithGlobals<GlobalOptions>());
    });
}
