import type { Command } from 'commander';
import type { GlobalOptions } from '../reach.ts';
import type { Line } from './line.ts';

type GivenSettings = GlobalOptions & Readonly<Record<string, unknown>>;

/** Adds the commands around the gateway: `serve`, `status`, `config`, `doctor`. */
export async function addGateway(program: Command, line: Line): Promise<void> {
  const withSettings = [addServe(program, line), addConfig(program)];
  addStatus(program);
  addDoctor(program, line);
  // The table of settings brings the schema library with it, which the other commands should not wait for.
  if (!withSettings.some((command) => line.own.includes(command.name()))) return;
  const { settingOptions } = await import('../gateway/flags.ts');
  for (const command of withSettings) {
    for (const option of settingOptions()) command.addOption(option);
  }
}

const configFlag = [
  '--config <file>',
  'the configuration file (or PADDOCK_CONFIG; ./paddock.yaml when there is one)',
] as const;

function addServe(program: Command, { ends }: Line): Command {
  return program
    .command('serve')
    .description('Run the gateway until it is interrupted.')
    .option(...configFlag)
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
      const { serve } = await import('../commands/serve.ts');
      ends(await serve(used.optsWithGlobals<GivenSettings>()));
    });
}

function addConfig(program: Command): Command {
  return program
    .command('config')
    .description('Show the settings that the gateway would start with here, and where each comes from.')
    .option(...configFlag)
    .addHelpText(
      'after',
      `
It takes the flags of serve, and never shows a secret.

Examples:
  $ paddock config
  $ PADDOCK_PORT=9000 paddock config --json | jq .port`,
    )
    .action(async (_, used: Command) => {
      const { config } = await import('../commands/config.ts');
      await config(used.optsWithGlobals<GivenSettings>());
    });
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
      const { status } = await import('../commands/status.ts');
      await status(command.optsWithGlobals<GlobalOptions>());
    });
}

function addDoctor(program: Command, { ends }: Line): void {
  program
    .command('doctor')
    .description('Check what sandboxes need of this machine, or of a cluster.')
    .option('--skills <folder>', 'with a cluster: whether its sandboxes have the skills of this folder')
    .addHelpText(
      'after',
      `
A line each: ok, warn (sandboxes lack something), fail (they do not work) or skip (it could not be looked at). It starts
a gateway and a sandbox for a moment to see. The exit code is 1 when something failed.

With --context (or E2E_KUBECONFIG) it looks at a cluster, through kubectl: rights, objects, images, quotas, rollout, and,
from a sandbox that it claims and releases, DNS, skills and whether NetworkPolicies are enforced.

Examples:
  $ paddock doctor
  $ paddock doctor --json | jq '.checks[] | select(.status != "ok")'
  $ paddock --context prod doctor --skills ./skills`,
    )
    .action(async (_, command: Command) => {
      const { doctor } = await import('../commands/doctor.ts');
      ends(await doctor(command.optsWithGlobals<GlobalOptions & { skills?: string }>()));
    });
}
