/** Finished commands whose output can still be asked for: the latest ones, in bounded memory. */
import type { BashCommand } from './command.ts';

const limitCommands = 256;
const limitBytes = 8 * 1024 * 1024;

interface Kept {
  readonly bytes: number;
  readonly forget: () => void;
}

export class RetainedCommands {
  readonly #kept = new Map<BashCommand, Kept>();
  #bytes = 0;

  /** Keeps a command whose output is complete, and forgets old ones for it. */
  add(command: BashCommand, forget: () => void): void {
    const bytes = command.stdout.keptBytes + command.stderr.keptBytes;
    this.#kept.set(command, { bytes, forget });
    this.#bytes += bytes;
    for (const [oldest, { forget: forgetOldest }] of this.#kept) {
      if (this.#kept.size <= limitCommands && (this.#bytes <= limitBytes || oldest === command)) break;
      this.delete(oldest);
      forgetOldest();
    }
  }

  delete(command: BashCommand): void {
    this.#bytes -= this.#kept.get(command)?.bytes ?? 0;
    this.#kept.delete(command);
  }
}
