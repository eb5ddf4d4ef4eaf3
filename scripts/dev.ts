/**
 * `make dev`: starts the gateway and shows that it works. It says ready once code has run in a sandbox of its own. Ctrl-C
 * ends everything.
 */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { exitOf, spawnGateway } from '../packages/cli/src/gateway/child.ts';
import { demonstrate } from './demonstration.ts';
import { installPrerequisites } from './prerequisites.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);

const missing = installPrerequisites(say);
if (missing) fail(missing.message, missing.hint);

say('building …');
await import('./build.ts');

say('starting …');
const gateway = spawnGateway(
  new URL('../dist/gateway/main.cjs', import.meta.url).pathname,
  [],
  { PADDOCK_READY_FD: '3', PADDOCK_LOG_LEVEL: process.env.PADDOCK_LOG_LEVEL ?? 'warn' },
  ['inherit', 'inherit', 'pipe'],
);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => gateway.kill('SIGTERM'));
}

const ended = exitOf(gateway);
const url = await Promise.race([readUrl(gateway.stdio[3] as Readable), ended.then(() => undefined)]);
if (url !== undefined) {
  say(await demonstrate(url));
  announce(url);
}
process.exit(await ended);

/** Never settles when the gateway ends without a word: its own exit says more. */
function readUrl(pipe: Readable): Promise<string> {
  return new Promise((resolve) => {
    createInterface({ input: pipe }).once('line', (line) => resolve(JSON.parse(line).url));
  });
}

function announce(baseUrl: string): void {
  say(`
Paddock is ready: ${baseUrl}

Try it:
  curl -s ${baseUrl}/v1/shell/exec -H 'content-type: application/json' -d '{"command": "echo hello from $(hostname)"}'

For a backend's config.yaml:
  sandbox:
    use: src.community.aio_sandbox:AioSandboxProvider
    base_url: ${baseUrl}

Ctrl-C stops everything; the files of sandboxes stay.`);
}

function fail(message: string, hint: string): never {
  process.stderr.write(`error: ${message}\nhint: ${hint}\n`);
  process.exit(1);
}
