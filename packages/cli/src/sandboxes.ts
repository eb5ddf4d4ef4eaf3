import type { Gateway } from '@paddock/client/parts';
import type { Provisioned } from '@paddock/protocol';

const pageSize = 1_000;

/** The caller's sandboxes that serve; with `all` the others too. */
export async function sandboxesOf(gateway: Gateway, { all = false } = {}): Promise<Provisioned[]> {
  if (!all) return (await gateway.sandboxes.list()).sandboxes;
  const found: Provisioned[] = [];
  let after: string | undefined;
  do {
    const page = await gateway.sandboxes.list({ status: 'any', limit: pageSize, ...(after && { after }) });
    found.push(...page.sandboxes);
    after = page.next ?? undefined;
  } while (after !== undefined);
  return found;
}
