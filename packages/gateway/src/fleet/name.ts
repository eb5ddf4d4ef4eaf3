import { hash } from 'node:crypto';
import type { SandboxName } from '../engines/engine.ts';

/** The name of an owner's sandbox: safe wherever names are restricted, and the same for every gateway. */
export function sandboxName(owner: string, id: string): SandboxName {
  return hash('sha256', `${owner}\0${id}`, 'hex').slice(0, 32) as SandboxName;
}
