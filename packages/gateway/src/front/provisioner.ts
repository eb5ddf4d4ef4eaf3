import type { Call, Handlers } from '@paddock/http';
import { Fault, type Provisioned, type provisioner } from '@paddock/protocol';
import type { Fleet, Member } from '../fleet/index.ts';
import type { Auth } from './auth.ts';
import { queryOf } from './resolve.ts';

export interface ProvisionerOptions {
  readonly fleet: Fleet;
  readonly auth: Auth;
  /** What sandbox URLs begin with; by default the address that the caller used. */
  readonly publicUrl: string | undefined;
}

/** The operations on the service itself. They need no key. */
export function serviceRoutes(): Handlers<typeof provisioner.service> {
  return {
    health: () => ({ status: 'ok' }),
    capabilities: () => ({ extra_mounts: false, lark_cli: false }),
  };
}

/** The operations by which backends create, find and end sandboxes. */
export function sandboxRoutes({
  fleet,
  auth,
  publicUrl,
}: ProvisionerOptions): Handlers<typeof provisioner.sandboxes> {
  const ownerOf = (call: Call) => auth.owner(call.headers, queryOf(call.target));

  const describe = (member: Member, call: Call): Provisioned => {
    const { id, name } = member.claim;
    const secret = auth.keyed ? `.${auth.pathSecret(name)}` : '';
    return {
      sandbox_id: id,
      sandbox_url: `${publicUrl ?? `http://${call.headers.host}`}/s/${id}${secret}`,
      status: member.upstream ? 'Running' : 'Pending',
    };
  };

  const existing = (owner: string, id: string): Member => {
    const member = fleet.find(owner, id);
    if (!member) throw new Fault('sandbox_not_found', `there is no sandbox "${id}"`);
    return member;
  };

  return {
    async create({ sandbox_id, extra_mounts }, call) {
      const owner = ownerOf(call);
      await fleet.ensure(owner, sandbox_id);
      const made = describe(existing(owner, sandbox_id), call);
      const leftOut = (extra_mounts ?? []).map(
        ({ container_path }) => `${container_path}: no folder of the host may be mounted`,
      );
      return leftOut.length > 0 ? { ...made, warnings: leftOut } : made;
    },

    list(_, call) {
      const sandboxes = fleet.list(ownerOf(call)).map((member) => describe(member, call));
      return { sandboxes, count: sandboxes.length };
    },

    async get({ sandbox_id }, call) {
      const owner = ownerOf(call);
      await fleet.reach(owner, sandbox_id);
      return describe(existing(owner, sandbox_id), call);
    },

    async release({ sandbox_id }, call) {
      await fleet.release(ownerOf(call), sandbox_id);
      return { ok: true, sandbox_id };
    },
  };
}
