import type { Command } from 'commander';
import type { GlobalOptions } from '../reach.ts';
import type { Line } from './line.ts';

/** Adds the commands on sandboxes that exist: `exec`, `shell`, `cp`, `ls`, `rm`. */
export function addSandboxes(program: Command, line: Line): void {
  addExec(program, line);
  addShell(program);
  addCp(program);
  addLs(program);
  addRm(program);
}

function addExec(program: Command, { rest, ends }: Line): void {
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
      const { exec } = await import('../commands/exec.ts');
      ends(await exec({ id, rest, ...command.optsWithGlobals<GlobalOptions>() }));
    });
}

function addShell(program: Command): void {
  program
    .command('shell')
    .description('Open a shell of a sandbox in this terminal.')
    .argument('<id>', 'the sandbox')
    .option('--session <session>', 'come back to a session; a new one when absent')
    .option('--detach-key <key>', 'the key that leaves the session and lets it go on, or none', '^]')
    .addHelpText(
      'after',
      `
Ctrl-] leaves the session as it is, with all that runs in it; exit ends it.

Examples:
  $ paddock shell chat-1
  $ paddock shell chat-1 --session 8f2c`,
    )
    .action(async (id: string, _, command: Command) => {
      const { shell } = await import('../commands/shell.ts');
      const given = command.optsWithGlobals<GlobalOptions & { session?: string; detachKey: string }>();
      await shell({ id, ...given });
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

function addLs(program: Command): void {
  program
    .command('ls')
    .description('List the sandboxes.')
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
      await ls(command.optsWithGlobals<GlobalOptions & { quiet?: boolean }>());
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
