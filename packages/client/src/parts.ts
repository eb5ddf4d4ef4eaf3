/**
 * What the client is made of, for programs that start often: they load the tables that they use, and no others.
 */
export { claim, type Lease, releaseOf } from './claim.ts';
export {
  atPath,
  type Connection,
  type ConnectionOptions,
  connectionTo,
  defaultBaseUrl,
} from './connection.ts';
export { PaddockError } from './error.ts';
export { Gateway } from './gateway.ts';
export { type Methods, methodsOf } from './methods.ts';
