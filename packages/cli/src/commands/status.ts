import { Gateway } from '@paddock/client/parts';
import { print } from '../output.ts';
import { type GlobalOptions, openReach } from '../reach.ts';
import { abortOnEnding } from '../signals.ts';

/** Prints whether the gateway serves, what it offers and which sandboxes there are. */
export async function status(options: GlobalOptions): Promise<void> {
  using ending = abortOnEnding();
  await using reach = await openReach(options, ending.signal);
  const gateway = new Gateway({ ...reach.connection, signal: ending.signal });
  const { status: health } = await gateway.service.health();
  const [capabilities, { sandboxes, count }, pending] = await Promise.all([
    gateway.service.capabilities(),
    gateway.sandboxes.list(),
    gateway.sandboxes.list({ status: 'Pending' }),
  ]);
  // One that only rests, or starts as it should, has none.
  const stuck = pending.sandboxes.filter(({ reason }) => typeof reason === 'string');
  const url = new URL(reach.baseUrl).origin;
  if (options.json) {
    await print(
      `${JSON.stringify({ url, status: health, capabilities, count, sandboxes, stuck }, null, 2)}\n`,
    );
    return;
  }
  const offered = Object.keys(capabilities).filter((name) => capabilities[name]);
  const lines = [
    `gateway    ${health} at ${reach.place}`,
    `offers     ${offered.join(', ') || 'nothing optional'}`,
    `sandboxes  ${count}`,
    ...sandboxes.map((sandbox) => `  ${sandbox.sandbox_id}  ${sandbox.status}`),
    ...stuck.map((sandbox) => `  ${sandbox.sandbox_id}  ${sandbox.status}  ${sandbox.reason}`),
  ];
  await print(`${lines.join('\n')}\n`);
}
