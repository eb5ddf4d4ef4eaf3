/** The API as a reference for people. Nothing of it is loaded until somebody asks for it. */
export type { CurlOptions } from './curl.ts';
export { type Repeat, repeatAfter, sharedErrors } from './faults.ts';
export type { FieldReference } from './fields.ts';
export {
  describeApi,
  type ErrorReference,
  type GroupReference,
  type OperationReference,
  type ResponseReference,
} from './reference.ts';
