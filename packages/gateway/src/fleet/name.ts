import { createHash } from 'node:crypto';
import type { SandboxName } from '../engines/engine.ts';

/** The name of an owner's sandbox: safe wherever names are restricted, and the same for every gateway. */
export function sandboxName(owner: string, id: string): SandboxName {
  return createHash('sha256').update(`${owner}\0${id}`).digest('hex').slice(0, 32) as SandboxName;
}
