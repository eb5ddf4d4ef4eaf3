export { GatewayKey, publicHalves, tokenLifeSeconds } from './gateway-key.ts';
export { KeyRing, soleOwner } from './key-ring.ts';
export { loadPathKey } from './path-key.ts';
