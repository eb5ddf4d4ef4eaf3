/** What kubectl lists, to be compared. */
import type { Place } from './place.ts';

/** A row of a table that kubectl prints, by its column. */
export type Row = Readonly<Record<string, string>>;

/** The rows of a table as kubectl prints it. */
export function rowsOf(table: string): Row[] {
  const [header = '', ...lines] = table.trimEnd().split('\n');
  const columns = Array.from(header.matchAll(/\S+(?: \S+)*\s*/g), ({ index, 0: text }) => ({
    name: text.trim(),
    from: index,
  }));
  return lines.map((line) =>
    Object.fromEntries(
      columns.map(({ name, from }, index) => [name, line.slice(from, columns[index + 1]?.from).trim()]),
    ),
  );
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** Objects by kind and name. */
export type Objects = ReadonlyMap<string, Json>;

/**
 * All objects of namespace deer-flow, itself and the definition of sandboxes, without what is another each time: ids,
 * times, random names, addresses, keys, what controllers note down, and the mark of setup.sh.
 */
export async function installedObjects(place: Place): Promise<Objects> {
  const all = await place.kubectl('api-resources', '--verbs=list', '--namespaced', '--output=name');
  // Each of these follows from others that are compared.
  const kinds = all
    .split('\n')
    .filter((kind) => kind !== '' && !/^(events|endpoints|endpointslices|pods\.metrics)/.test(kind));
  const lists = await Promise.all([
    place.kubectl('get', kinds.join(), '--namespace=deer-flow', '--output=json'),
    place.kubectl('get', 'namespace/deer-flow', 'crd/sandboxes.paddock.dev', '--output=json'),
  ]);
  const items = lists.flatMap((list) => (JSON.parse(list) as { items: KubernetesObject[] }).items);
  return new Map(
    items
      .map((item): [string, Json] => {
        const { status: _status, ...lasting } = withoutRandomNames(item);
        const metadata = lastingMetadata(lasting.metadata);
        return [`${item.kind} ${lasting.metadata.name}`, withoutChance({ ...lasting, metadata })];
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Where two sets of objects differ, one line each. */
export function differences(left: Objects, right: Objects): string[] {
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((name) =>
    differencesAt(name, left.get(name), right.get(name)),
  );
}

function differencesAt(path: string, left: Json | undefined, right: Json | undefined): string[] {
  if (isBranch(left) && isBranch(right)) {
    const a = new Map(Object.entries(left));
    const b = new Map(Object.entries(right));
    return [...new Set([...a.keys(), ...b.keys()])].flatMap((key) =>
      differencesAt(`${path}.${key}`, a.get(key), b.get(key)),
    );
  }
  const [a, b] = [JSON.stringify(left), JSON.stringify(right)];
  return a === b ? [] : [`${path}: ${a ?? 'nothing'} / ${b ?? 'nothing'}`];
}

function isBranch(value: Json | undefined): value is Readonly<Record<string, Json>> | readonly Json[] {
  return typeof value === 'object' && value !== null;
}

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: Metadata;
  readonly [field: string]: Json | Metadata;
}
interface Metadata {
  readonly name: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [field: string]: Json | undefined;
}

/** Pods of a ReplicaSet, and the token's volume in each, end with five letters of chance. */
function withoutRandomNames(item: KubernetesObject): KubernetesObject {
  const text = JSON.stringify(item).replaceAll(/(kube-api-access-)[a-z0-9]{5}\b/g, '$1xxxxx');
  const clean = JSON.parse(text) as KubernetesObject;
  const { generateName, name } = clean.metadata;
  return typeof generateName === 'string'
    ? { ...clean, metadata: { ...clean.metadata, name: name.replace(/[a-z0-9]{5}$/, 'xxxxx') } }
    : clean;
}

function lastingMetadata(metadata: Metadata): Json {
  const { uid, resourceVersion, creationTimestamp, generation, managedFields, ...lasting } = metadata;
  const { 'paddock.dev/created-by': _mark, ...annotations } = metadata.annotations ?? {};
  return JSON.parse(JSON.stringify({ ...lasting, annotations })) as Json;
}

/** Values that no two installations share. */
const chance = /^(uid|clusterIPs?|holderIdentity|acquireTime|renewTime|leaseTransitions|data)$/;

function withoutChance(value: unknown): Json {
  return JSON.parse(JSON.stringify(value, (key, inner) => (chance.test(key) ? undefined : inner))) as Json;
}
