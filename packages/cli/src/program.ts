import { Command, CommanderError } from 'commander';
import pkg from '../package.json' with { type: 'json' };
import { addCompletion } from './declare/completion.ts';
import { addGateway } from './declare/gateway.ts';
import { cut, type Line } from './declare/line.ts';
import { addRun } from './declare/run.ts';
import { addSandboxes } from './declare/sandboxes.ts';
import { allowClosedPipes } from './output.ts';
import { reported } from './report.ts';
import { exitCodeOfUsage } from './usage.ts';

/**
 * Runs a command line and gives its exit code, after it has said what went wrong if something did. What follows the first
 * `--` goes to the sandbox as it is. Each command is loaded when it is used.
 */
export function paddock(argv: readonly string[]): Promise<number> {
  allowClosedPipes(); // Help is written by commander.
  return reported(() => parse(argv));
}

async function parse(argv: readonly string[]): Promise<number> {
  const { own, rest } = cut(argv);
  let exitCode = 0;
  const line: Line = {
    // What is to be completed may be any command.
    own: argv[0] === '__complete' ? argv : own,
    rest,
    ends: (code) => {
      exitCode = code;
    },
  };
  const program = root();
  addRun(program, line);
  addSandboxes(program, line);
  await addGateway(program, line);
  addCompletion(program, line);
  try {
    await program.parseAsync(own, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return exitCodeOfUsage(error);
    throw error;
  }
  return exitCode;
}

function root(): Command {
  return new Command('paddock')
    .description('An isolated computer for each conversation of an agent.')
    .version(pkg.version)
    .option('--url <url>', 'the gateway (or PADDOCK_URL; http://127.0.0.1:8080 when neither is given)')
    .option(
      '--context <name>',
      'reach the gateway of a cluster, by kubectl, through this context of the kubeconfig',
    )
    .option('--namespace <name>', 'the namespace of that gateway; deer-flow when absent')
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
  $ paddock create chat-1               a sandbox that stays
  $ paddock exec chat-1 -- ls -la       a command in a sandbox that exists
  $ paddock shell chat-1                a terminal in it
  $ paddock cp chat-1:report.pdf .      a file out of it
  $ paddock logs -f chat-1              what its server says, and what becomes of it
  $ paddock status
  $ paddock --context prod ls           the sandboxes of a cluster
  $ paddock doctor                      what sandboxes need of this machine

Exit codes:
  run, exec, shell    that of what ran in the sandbox; 128 and its number for what a signal ended
  doctor              1 when sandboxes do not work here
  serve               that of the gateway
  any                 125 when paddock itself fails, 128 and its number for a signal that ended paddock, else 0

E2E_KUBECONFIG names a kubeconfig, and that the gateway is in its cluster.`,
    );
}
