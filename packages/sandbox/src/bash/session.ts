/** What a bash session keeps between commands. */
import type { BashCommand } from './command.ts';

export class BashSession {
  readonly id: string;
  readonly createdAt = new Date();
  /** It was made to be worked with by hand: its commands have an input that can be written to. */
  readonly takesInput: boolean;
  /** A script that each command sources first. */
  readonly snapshotPath: string | undefined;
  lastUsedAt = new Date();
  /** Where the next command starts. */
  dir: string;
  commandCount = 0;
  /** The commands that are remembered, in the order of their start. */
  readonly commands = new Map<string, BashCommand>();

  constructor(id: string, dir: string, options: { takesInput: boolean; snapshotPath?: string | undefined }) {
    this.id = id;
    this.dir = dir;
    this.takesInput = options.takesInput;
    this.snapshotPath = options.snapshotPath;
  }

  /** The command that was started last. */
  get latest(): BashCommand | undefined {
    return Array.from(this.commands.values()).at(-1);
  }

  /** Those that run, the latest last. */
  get running(): BashCommand[] {
    return Array.from(this.commands.values()).filter(({ status }) => status === 'running');
  }
}
