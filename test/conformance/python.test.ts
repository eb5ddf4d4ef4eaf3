/** The promises that the client published on PyPI is kept, in the versions that backends use: see python/. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { PublishedClient, promisesTo } from './published-client.ts';

/** Packages may have to be fetched first. */
const installTimeoutMs = 120_000;

describe.each(['0.0.19', '0.0.30'])('agent-sandbox %s', (version) => {
  let gateway: Gateway;
  let client: PublishedClient;
  beforeAll(async () => {
    gateway = await startGateway({ PADDOCK_NETWORK: 'none', PADDOCK_WARM_SANDBOXES: '1' });
    client = await PublishedClient.start(version, gateway.url);
  }, installTimeoutMs);
  afterAll(async () => {
    await client?.[Symbol.asyncDispose]();
    await gateway?.[Symbol.asyncDispose]();
  });

  const promises = promisesTo(version).map((promised, number) => ({ ...promised, number }));
  for (const [group, ones] of Map.groupBy(promises, (one) => one.group)) {
    describe(group, () => {
      for (const { promise, number } of ones) it(promise, () => client.keep(number));
    });
  }
});
