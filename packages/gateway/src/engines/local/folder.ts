import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { canUseHostUsers, hostUser, isHostUser } from '@paddock/config/machine';
import * as z from 'zod/mini';
import type { Claim, SandboxName } from '../engine.ts';
import type { SandboxFolders } from './bubblewrap.ts';
import { layOutHome } from './home.ts';
import { SandboxLog } from './sandbox-log.ts';

const run = promisify(execFile);

const parts = ['home', 'tmp', 'run', 'workspace', 'uploads', 'outputs'] as const;

const record = z.object({
  name: z.string(),
  id: z.string(),
  owner: z.string(),
  createdAt: z.string(),
  template: z.optional(z.string()),
  mounts: z.optional(
    z.array(z.object({ hostPath: z.string(), containerPath: z.string(), readOnly: z.boolean() })),
  ),
  notes: z.optional(
    z.object({
      metadata: z.optional(z.record(z.string(), z.string())),
      threadId: z.optional(z.string()),
      userId: z.optional(z.string()),
      idleSeconds: z.optional(z.number()),
      expiry: z.optional(z.object({ atMs: z.number(), setMs: z.number() })),
      lastUsedMs: z.optional(z.number()),
    }),
  ),
});

/** Whose a folder is, since when. */
export interface FolderRecord extends Claim {
  readonly createdAt: Date;
}

/** The files of one sandbox on the machine: they outlive its server, and a gateway's restart. */
export class SandboxFolder {
  readonly #path: string;
  readonly folders: SandboxFolders;
  /** The machine's user that owns the files; undefined where it is the gateway's own. */
  readonly hostUid: number | undefined;
  readonly log: SandboxLog;

  private constructor(path: string, hostUid: number | undefined) {
    this.#path = path;
    this.log = new SandboxLog(path);
    this.hostUid = hostUid;
    const inFolder = (name: (typeof parts)[number]) => join(path, name);
    this.folders = {
      home: inFolder('home'),
      tmp: inFolder('tmp'),
      run: inFolder('run'),
      workspace: inFolder('workspace'),
      uploads: inFolder('uploads'),
      outputs: inFolder('outputs'),
    };
  }

  /**
   * Makes an empty folder that is nobody's yet.
   *
   * @param isolated whether its files may be another user's of the machine than the gateway's.
   */
  static create(parent: string, isolated: boolean): SandboxFolder {
    const path = join(parent, randomBytes(8).toString('hex'));
    const hostUid = isolated && canUseHostUsers() ? hostUser(randomBytes(4).readUInt32LE()) : undefined;
    const folder = new SandboxFolder(path, hostUid);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    try {
      for (const part of Object.values(folder.folders)) folder.#makePart(part);
      layOutHome(folder.folders.home, folder.hostUid);
      return folder;
    } catch (error) {
      rmSync(path, { recursive: true, force: true }); // The disk is full, say: half a folder is of no use.
      throw error;
    }
  }

  /** Finds the folders of claimed sandboxes, and deletes those that nobody claimed. */
  static async findAll(parent: string): Promise<{ folder: SandboxFolder; record: FolderRecord }[]> {
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    const found: { folder: SandboxFolder; record: FolderRecord }[] = [];
    for (const name of readdirSync(parent)) {
      const path = join(parent, name);
      const owner = statSync(join(path, 'workspace'), { throwIfNoEntry: false })?.uid;
      const folder = new SandboxFolder(path, owner !== undefined && isHostUser(owner) ? owner : undefined);
      const claimed = owner === undefined ? undefined : folder.#readRecord();
      if (claimed) found.push({ folder, record: claimed });
      else await folder.delete();
    }
    return found;
  }

  /** Writes down whose the folder is: from then on a restart finds it again. */
  assign(claim: FolderRecord): void {
    const file = this.#recordFile;
    writeFileSync(`${file}.new`, JSON.stringify(claim), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  /** Empties what a new server must not find: the old one's sockets and temporary files. */
  prepareForServer(): void {
    for (const part of [this.folders.run, this.folders.tmp]) {
      rmSync(part, { recursive: true, force: true });
      this.#makePart(part);
    }
  }

  async delete(): Promise<void> {
    this.log[Symbol.dispose]();
    // First, so that a restart does not find a sandbox where only a part of the files could be deleted.
    rmSync(this.#recordFile, { force: true });
    try {
      await rm(this.#path, { recursive: true, force: true });
    } catch {
      // A sandbox may have closed folders to its own user, who is the gateway's where that is not root.
      await run('chmod', ['-R', 'u+rwX', this.#path]);
      await rm(this.#path, { recursive: true, force: true });
    }
  }

  #makePart(path: string): void {
    mkdirSync(path, { mode: 0o755 });
    if (this.hostUid !== undefined) chownSync(path, this.hostUid, this.hostUid);
  }

  get #recordFile(): string {
    return join(this.#path, 'sandbox.json');
  }

  #readRecord(): FolderRecord | undefined {
    try {
      const read = record.parse(JSON.parse(readFileSync(this.#recordFile, 'utf8')));
      return { ...read, name: read.name as SandboxName, createdAt: new Date(read.createdAt) };
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw new Error(`cannot read ${this.#recordFile}`, { cause: error });
    }
  }
}
