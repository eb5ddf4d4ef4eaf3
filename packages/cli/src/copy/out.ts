import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { PaddockError, type Sandbox } from '@paddock/client';
import { CliError } from '../failure.ts';
import { inParallel } from './parallel.ts';
import type { Progress } from './progress.ts';
import { absolute, lookAt } from './remote.ts';

/**
 * Copies a file or folder of a sandbox to this machine: into the folder that `here` is, else to that name. What lies in a
 * sandbox is not trusted: nothing is written outside of the target.
 */
export async function copyOut(
  sandbox: Sandbox,
  { here, there }: { readonly here: string; readonly there: string },
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const source = (await absolute(sandbox, there, signal)).replace(/(?<=.)\/+$/, '');
  const found = await lookAt(sandbox, source, signal);
  if (found.kind === 'nothing' || found.kind === 'other') {
    const what = found.kind === 'nothing' ? 'is not there' : 'is no file or folder';
    throw new CliError(`${source} ${what} in the sandbox`, {
      hint: 'Look with `paddock exec ID -- ls -la`.',
    });
  }
  const target = await targetOf(here, basename(source) || 'root');
  const { folders, files } =
    found.kind === 'file'
      ? { folders: [], files: [{ path: '', sizeBytes: found.sizeBytes, isExecutable: found.isExecutable }] }
      : await list(sandbox, source, progress, signal);
  progress.total = { files: files.length, bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  for (const path of folders) await mkdir(join(target, path), { recursive: true });
  await inParallel(files, signal, async ({ path, isExecutable }, either) => {
    const remote = path === '' ? source : posix.join(source, path);
    try {
      await fetchFile(sandbox, remote, join(target, path), isExecutable, progress, either);
    } catch (error) {
      const isSpecial = error instanceof PaddockError && error.code === 'file_invalid_target';
      if (!isSpecial || path === '') throw error;
      progress.say(`warning: ${remote} is left out: no file or folder`);
    }
  });
}

async function targetOf(path: string, name: string): Promise<string> {
  const isFolder = path.endsWith('/') || ((await stat(path).catch(() => undefined))?.isDirectory() ?? false);
  return isFolder ? join(path, name) : path;
}

interface RemoteFile {
  /** From the top of what is copied. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly isExecutable: boolean;
}

async function list(
  sandbox: Sandbox,
  top: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<{ folders: string[]; files: RemoteFile[] }> {
  const request = { path: top, recursive: true, show_hidden: true, include_permissions: true };
  const { data, hint } = await sandbox.answers.file.list(request, { signal });
  if (hint) progress.say(`warning: ${hint}`);
  const folders = [''];
  const files: RemoteFile[] = [];
  for (const { path, is_directory, size, permissions } of data.files) {
    const below = inside(top, path);
    if (is_directory) folders.push(below);
    else
      files.push({
        path: below,
        sizeBytes: size ?? 0,
        isExecutable: (Number.parseInt(permissions || '644', 8) & 0o100) !== 0,
      });
  }
  return { folders, files };
}

/** The rest of a path below the top. A sandbox could name one that leads out of it. */
function inside(top: string, path: string): string {
  const prefix = top === '/' ? top : `${top}/`;
  const below = path.slice(prefix.length);
  const isPlain = below.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  if (path.startsWith(prefix) && isPlain && !below.includes('\0')) return below;
  throw new CliError(`the sandbox names a file outside of ${top}: ${JSON.stringify(path)}`, {
    hint: 'Nothing was written for it: do not trust this sandbox.',
  });
}

async function fetchFile(
  sandbox: Sandbox,
  remote: string,
  target: string,
  isExecutable: boolean,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  await using content = await sandbox.file.download({ path: remote }, { signal });
  const partial = `${target}.${randomUUID().slice(0, 8)}.part`;
  try {
    const mode = isExecutable ? 0o777 : 0o666; // But for what the umask takes away.
    await pipeline(progress.through(content), createWriteStream(partial, { flags: 'wx', mode }));
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  progress.fileDone();
}
