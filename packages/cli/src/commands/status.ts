import { Gateway } from '@paddock/client';
import { print } from '../output.ts';
import { type GlobalOptions, reachOf } from '../reach.ts';
import { abortOnEnding } from '../signals.ts';

/** Prints whether the gateway serves, what it offers and which sandboxes there are. */
export async function status(options: GlobalOptions): Promise<void> {
  using ending = abortOnEnding();
  const { baseUrl, apiKey, retries } = reachOf(options);
  const gateway = new Gateway({ baseUrl, apiKey, retries, signal: ending.signal });
  const { status: health } = await gateway.service.health();
  const [capabilities, { sandboxes, count }] = await Promise.all([
    gateway.service.capabilities(),
    gateway.sandboxes.list(),
  ]);
  const url = new URL(baseUrl).origin;
  if (options.json) {
    await print(`${JSON.stringify({ url, status: health, capabilities, count, sandboxes }, null, 2)}\n`);
    return;
  }
  const offered = Object.keys(capabilities).filter((name) => capabilities[name]);
  const lines = [
    `gateway    ${health} at ${url}`,
    `offers     ${offered.join(', ') || 'nothing optional'}`,
    `sandboxes  ${count}`,
    ...sandboxes.map((sandbox) => `  ${sandbox.sandbox_id}  ${sandbox.status}`),
  ];
  await print(`${lines.join('\n')}\n`);
}
