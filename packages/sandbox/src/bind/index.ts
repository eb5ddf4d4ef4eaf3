export { Activity } from './activity.ts';
export { admission } from './admission.ts';
export { Identity } from './identity.ts';
export { bindRoutes } from './routes.ts';
export { type KeySource, TrustedKeys } from './trusted-keys.ts';
