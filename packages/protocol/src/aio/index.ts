import type { OperationTable } from '../operation.ts';
import { bash } from './bash.ts';
import { file } from './file.ts';
import { sandbox } from './sandbox.ts';
import { shell } from './shell.ts';

/** The AIO API: what a sandbox server offers to agents, and the gateway passes through. */
export const aio = { sandbox, shell, bash, file } satisfies OperationTable;
export type Aio = typeof aio;
