import type { InputOf, Provisioned, provisioner, ResponseOf } from '@paddock/protocol';
import type { Member } from '../fleet/index.ts';

const usualLimit = 100;

type Query = InputOf<typeof provisioner.sandboxes.list>;

/** Whether a list was asked for with any field at all. Backends ask with none. */
export function isFiltered(query: Query): boolean {
  return Object.values(query).some((value) => value !== undefined && value !== null);
}

/** A page of the sandboxes that fit, by their ids. */
export function pageOf(
  members: readonly Member[],
  query: Query,
  describe: (member: Member) => Provisioned,
): ResponseOf<typeof provisioner.sandboxes.list> {
  const fitting = members
    .filter((member) => fits(member, query))
    .map((member) => ({ member, id: member.claim.id }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const { after, limit } = query;
  const rest = fitting.filter(({ id }) => !after || id > after);
  const page = rest.slice(0, limit ?? usualLimit);
  const next = page.length < rest.length ? page.at(-1)?.id : undefined;
  return {
    sandboxes: page.map(({ member }) => describe(member)),
    count: page.length,
    total: fitting.length,
    ...(next !== undefined && { next }),
  };
}

function fits({ claim, notes, serves }: Member, query: Query): boolean {
  const status = serves ? 'Running' : 'Pending';
  const wanted = new URLSearchParams(query.metadata ?? '');
  return (
    [status, 'any', null, undefined].includes(query.status) &&
    (!query.template || query.template === claim.template) &&
    (!query.thread_id || query.thread_id === notes.threadId) &&
    (!query.user_id || query.user_id === notes.userId) &&
    [...wanted].every(([key, value]) => ownValue(notes.metadata, key) === value)
  );
}

function ownValue(map: Readonly<Record<string, string>> = {}, key: string): string | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}
