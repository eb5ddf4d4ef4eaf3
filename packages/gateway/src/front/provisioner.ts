import { type Call, type Handlers, InvalidInput } from '@paddock/http';
import { type InputOf, metadataLimit, type Provisioned, type provisioner } from '@paddock/protocol';
import type { Engine, Mount, Notes } from '../engines/engine.ts';
import type { Fleet, Member, Wish } from '../fleet/index.ts';
import { programUrl } from './address.ts';
import type { Auth } from './auth.ts';
import { logsRoute } from './logs.ts';
import { queryOf } from './resolve.ts';
import { isFiltered, pageOf } from './sandbox-list.ts';

/** Backends give a request for one sandbox 10 seconds, and keep a sandbox that answers 503 before. */
const getPatienceSeconds = 8;

export interface ProvisionerOptions {
  readonly fleet: Fleet;
  readonly auth: Auth;
  /** What sandbox URLs begin with; by default the address that the caller used. */
  readonly publicUrl: string | undefined;
  /** What the names of programs end with. */
  readonly programDomain: string;
  readonly engine: Engine;
  /** Told of a release that failed after it was answered. */
  readonly onLateFailure: (id: string, error: unknown) => void;
  /** Whether host folders may be mounted at all. */
  readonly offersMounts: boolean;
}

/** The operations on the service itself. They need no key. */
export function serviceRoutes({
  offersMounts,
}: Pick<ProvisionerOptions, 'offersMounts'>): Handlers<typeof provisioner.service> {
  return {
    health: () => ({ status: 'ok' }),
    capabilities: () => ({ extra_mounts: offersMounts, lark_cli: false }),
  };
}

/** The operations by which backends create, find, change and end sandboxes. */
export function sandboxRoutes({
  fleet,
  auth,
  publicUrl,
  programDomain,
  engine,
  onLateFailure,
}: Omit<ProvisionerOptions, 'offersMounts'>): Handlers<typeof provisioner.sandboxes> {
  const ownerOf = (call: Call) => auth.owner(call.headers, queryOf(call.target));

  const describe = (member: Member, call: Call): Provisioned => {
    const { id, name, template } = member.claim;
    const { metadata = {} } = member.notes;
    const secret = auth.keyed ? `.${auth.pathSecret(name)}` : '';
    const delay = member.serves ? undefined : engine.shared?.delayOf(member.claim);
    return {
      sandbox_id: id,
      sandbox_url: `${publicUrl ?? `http://${call.headers.host}`}/s/${id}${secret}`,
      status: member.serves ? 'Running' : 'Pending',
      ...(delay && { reason: delay.reason }),
      ...(template !== undefined && { template }),
      ...(Object.keys(metadata).length > 0 && { metadata }),
    };
  };

  const describeOne = (member: Member, call: Call): Provisioned => {
    const base = new URL(publicUrl ?? `http://${call.headers.host}`);
    const url = programUrl(base, member.claim.name, programDomain);
    return { ...describe(member, call), ...(url !== undefined && { program_url: url }) };
  };

  const describeWhole = (member: Member, call: Call): Provisioned => {
    const { threadId, userId } = member.notes;
    const { atMs, idleSeconds } = fleet.expiryOf(member);
    return {
      ...describeOne(member, call),
      ...(threadId !== undefined && { thread_id: threadId }),
      ...(userId !== undefined && { user_id: userId }),
      created_at: new Date(member.life.createdMs).toISOString(),
      idle_seconds: idleSeconds,
      ...(Number.isFinite(atMs) && { expires_at: new Date(atMs).toISOString() }),
    };
  };

  return {
    async create(input, call) {
      const wish = wishOf(input);
      const { member, isNew } = await fleet.create(ownerOf(call), input.sandbox_id, wish);
      const warnings = [...member.warnings, ...(isNew ? [] : differences(member, wish))];
      return { ...describeOne(member, call), ...(warnings.length > 0 && { warnings }) };
    },

    list(query, call) {
      const members = fleet.list(ownerOf(call));
      if (isFiltered(query)) return pageOf(members, query, (member) => describeWhole(member, call));
      // Those that serve and no others. A backend takes what it finds here for its own, whatever its status, and later ends
      // what is not exactly Running: a stopped sandbox in this list would lose its files. Who asks for it by its id gets it
      // started again, and Running.
      const sandboxes = members.filter(({ serves }) => serves).map((member) => describe(member, call));
      return { sandboxes, count: sandboxes.length };
    },

    async get({ sandbox_id }, call) {
      const owner = ownerOf(call);
      await fleet.reach(owner, sandbox_id, getPatienceSeconds);
      return describeOne(await fleet.existing(owner, sandbox_id), call);
    },

    async change(input, call) {
      const member = await fleet.existing(ownerOf(call), input.sandbox_id);
      const { notes, warnings } = changed(member.notes, input, fleet.expiryOf(member).ceilingMs);
      await member.change(notes);
      return { ...describeWhole(member, call), ...(warnings.length > 0 && { warnings }) };
    },

    logs: logsRoute({ fleet, engine, ownerOf }),

    async release({ sandbox_id, wait }, call) {
      const released = fleet.release(ownerOf(call), sandbox_id);
      // Nobody can find it any more, whatever is still to be put away.
      if (wait === 'false') released.catch((error: unknown) => onLateFailure(sandbox_id, error));
      else await released;
      return { ok: true, sandbox_id };
    },
  };
}

type Create = InputOf<typeof provisioner.sandboxes.create>;

function wishOf({ template, extra_mounts, metadata, thread_id, user_id }: Create): Wish {
  const mounts = extra_mounts?.map((mount) => ({
    hostPath: mount.host_path,
    containerPath: mount.container_path,
    readOnly: mount.read_only ?? false,
  }));
  const notes: Notes = {
    userId: user_id ?? 'default',
    ...(thread_id && { threadId: thread_id }),
    ...(metadata && { metadata }),
  };
  return { notes, ...(template && { template }), ...(mounts && mounts.length > 0 && { mounts }) };
}

/** What a create asked for and a sandbox that was there before is not, each in a sentence. */
function differences({ claim, notes }: Member, wish: Wish): string[] {
  const told: string[] = [];
  if (wish.template !== undefined && wish.template !== claim.template)
    told.push(`The sandbox exists already and keeps its template: ${claim.template ?? 'none'}.`);
  if (wish.mounts && sameMounts(wish.mounts) !== sameMounts(claim.mounts ?? [])) {
    const kept = claim.mounts?.map(({ containerPath }) => containerPath).join(', ') || 'none';
    told.push(`The sandbox exists already and keeps the mounts that it was made with: ${kept}.`);
  }
  const metadata = Object.entries(wish.notes?.metadata ?? {});
  if (metadata.some(([key, value]) => notes.metadata?.[key] !== value))
    told.push('The sandbox exists already and keeps its metadata: PATCH changes it.');
  return told;
}

function sameMounts(mounts: readonly Mount[]): string {
  const parts = mounts.map(({ hostPath, containerPath, readOnly }) => [containerPath, hostPath, readOnly]);
  return JSON.stringify(parts.map((part) => JSON.stringify(part)).sort());
}

type ChangeInput = InputOf<typeof provisioner.sandboxes.change>;

/**
 * The notes of a sandbox that a request changes.
 *
 * @throws {InvalidInput}
 */
function changed(
  notes: Notes,
  { expires_at, extend_seconds, idle_seconds, metadata }: ChangeInput,
  ceilingMs: number,
): { notes: Notes; warnings: string[] } {
  const setMs = Date.now();
  if (expires_at && typeof extend_seconds === 'number')
    throw invalid('extend_seconds', 'must not be given together with expires_at');
  const wantedMs =
    typeof extend_seconds === 'number'
      ? setMs + extend_seconds * 1000
      : expires_at
        ? Date.parse(expires_at)
        : undefined;
  if (wantedMs !== undefined && wantedMs < setMs) throw invalid('expires_at', 'must lie in the future');
  const isCut = wantedMs !== undefined && wantedMs > ceilingMs;
  return {
    notes: {
      ...(wantedMs !== undefined && { expiry: { atMs: Math.min(wantedMs, ceilingMs), setMs } }),
      ...(typeof idle_seconds === 'number' && { idleSeconds: idle_seconds }),
      ...(metadata && { metadata: merged(notes.metadata ?? {}, metadata) }),
    },
    warnings: isCut
      ? [`expires_at is cut to ${new Date(ceilingMs).toISOString()}, the most that maxLifeSeconds allows.`]
      : [],
  };
}

function merged(
  before: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const after = new Map<string, string>(Object.entries(before));
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) after.delete(key);
    else after.set(key, value);
  }
  if (after.size > metadataLimit) throw invalid('metadata', `must have at most ${metadataLimit} entries`);
  return Object.fromEntries(after);
}

function invalid(name: string, msg: string): InvalidInput {
  return new InvalidInput([{ loc: ['body', name], msg, type: 'value_error' }]);
}
