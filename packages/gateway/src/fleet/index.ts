export { Audit } from './audit.ts';
export { callServer, connectionTo } from './call.ts';
export { defaultId } from './default-id.ts';
export { Fleet, type Wish } from './fleet.ts';
export type { Member, Upstream } from './member.ts';
export { Reaper } from './reaper.ts';
