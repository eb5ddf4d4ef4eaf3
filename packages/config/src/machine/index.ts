export { canUseHostUsers, hostUser, isHostUser } from './host-users.ts';
export { tryNamespaces } from './namespaces.ts';
export { findProgram, installHint } from './programs.ts';
