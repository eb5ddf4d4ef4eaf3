export { createAuth } from './auth.ts';
export { documentRoutes } from './document.ts';
export { Front } from './front.ts';
export { guard } from './guard.ts';
export { refuseSandboxes } from './peer.ts';
export { Probe } from './probe.ts';
export { sandboxRoutes, serviceRoutes } from './provisioner.ts';
