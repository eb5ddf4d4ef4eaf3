export { GatewayKey } from './gateway-key.ts';
export { loadPathKey } from './path-key.ts';
