/** Passes requests on to another server. */
export { endToEnd, type RawHeaders, requestFraming, upgradeTo, valuesOf } from './raw-headers.ts';
export { type Onward, relay, relayUpgrade } from './relay.ts';
