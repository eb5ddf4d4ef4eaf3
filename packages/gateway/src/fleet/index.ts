export { callServer } from './call.ts';
export { Fleet } from './fleet.ts';
export type { Member, Upstream } from './member.ts';
