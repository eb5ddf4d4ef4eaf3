export { findAccess, ownNamespace } from './api/access.ts';
export { ApiClient } from './api/client.ts';
export type { PoolPolicy } from './claiming.ts';
export { KubernetesEngine } from './engine.ts';
export { ClusterKeys } from './keys.ts';
