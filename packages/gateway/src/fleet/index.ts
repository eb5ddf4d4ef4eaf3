export { callServer } from './call.ts';
export { defaultId } from './default-id.ts';
export { Fleet } from './fleet.ts';
export type { Member, Upstream } from './member.ts';
export { Reaper } from './reaper.ts';
