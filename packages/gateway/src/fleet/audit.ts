import { appendFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { type Claim, SetupError } from '../engines/engine.ts';

/** Why a sandbox ends, or its server does. */
export type EndReason = 'request' | 'idle' | 'absolute' | 'outdated' | 'failure' | 'shutdown';

/** What happened to a sandbox, for those who account for it. The names are stable. */
export type AuditEvent =
  | { readonly event: 'sandbox.created' }
  /** A stopped one has a server again. */
  | { readonly event: 'sandbox.resumed' }
  /** Its server ended, its files are kept. */
  | {
      readonly event: 'sandbox.stopped';
      readonly reason: Extract<EndReason, 'failure' | 'shutdown'>;
      readonly detail?: string;
      readonly lived_seconds: number;
    }
  /** It is gone, and its files with it. `failure`: it never started. */
  | {
      readonly event: 'sandbox.ended';
      readonly reason: Exclude<EndReason, 'shutdown'>;
      readonly detail?: string;
      readonly lived_seconds: number;
    };

/** Writes a line of JSON for each create and end of a sandbox: into the log, whatever its level, and into a file. */
export class Audit {
  readonly #log: Logger;
  readonly #file: string | undefined;

  /** @throws {SetupError} when the file cannot be written to. */
  constructor(log: Logger, file: string | undefined) {
    this.#log = log.child({}, { level: 'info' });
    this.#file = file;
    if (file === undefined) return;
    try {
      appendFileSync(file, '', { mode: 0o600 });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new SetupError(`auditFile cannot be written to: ${reason}`, 'Correct auditFile.', {
        cause: error,
      });
    }
  }

  /** Owners are named by their names, keys by nothing. */
  write({ owner, id, name, template }: Claim, event: AuditEvent): void {
    const line = { ...event, owner, id, name, ...(template !== undefined && { template }) };
    this.#log.info(line, 'audit');
    if (this.#file === undefined) return;
    try {
      // Opened for each line: the file may be moved away to be rotated.
      appendFileSync(this.#file, `${JSON.stringify({ time: new Date().toISOString(), ...line })}\n`, {
        mode: 0o600,
      });
    } catch (error) {
      this.#log.error({ err: error }, 'a line of the audit file could not be written; the log has it');
    }
  }
}
