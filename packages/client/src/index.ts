export type { Answer, CallOptions } from './call.ts';
export { type ConnectionOptions, defaultBaseUrl } from './connection.ts';
export { PaddockError } from './error.ts';
export { Gateway } from './gateway.ts';
export type { Answers, Methods } from './methods.ts';
export { OwnedSandbox, Sandbox, type SandboxOptions } from './sandbox.ts';
export type { Transport } from './transport.ts';
