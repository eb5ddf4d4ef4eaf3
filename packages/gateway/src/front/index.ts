export { createAuth } from './auth.ts';
export { Front } from './front.ts';
export { guard } from './guard.ts';
export { openApiRoutes } from './openapi.ts';
export { Probe } from './probe.ts';
export { sandboxRoutes, serviceRoutes } from './provisioner.ts';
