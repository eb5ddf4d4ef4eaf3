import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Sandbox } from '@paddock/client';
import { CliError } from '../failure.ts';
import { inParallel } from './parallel.ts';
import type { Progress } from './progress.ts';
import { absolute, lookAt, onPaths } from './remote.ts';

const chunkBytes = 256 * 1024;

/**
 * Copies a file or folder of this machine into a sandbox: into the folder that `there` is, else to that name. Executable
 * files stay so. Symbolic links to files are copied as what they lead to; other links and special files are left out.
 */
export async function copyIn(
  sandbox: Sandbox,
  { here, there }: { readonly here: string; readonly there: string },
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const top = await look(here);
  const asked = await absolute(sandbox, there, signal);
  const target = await targetOf(sandbox, asked, basename(resolve(here)), signal);
  const { folders, files } = top.isDirectory()
    ? await walk(here, (left) => progress.say(`warning: ${left} is left out: no file or folder`))
    : { folders: [], files: [{ path: '', sizeBytes: top.size, isExecutable: (top.mode & 0o100) !== 0 }] };
  progress.total = { files: files.length, bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  const at = (path: string) => (path === '' ? target : `${target}/${path}`);
  await onPaths(sandbox, 'mkdir -p', folders.map(at), signal);
  await inParallel(files, signal, async ({ path }, either) => {
    const content = createReadStream(path === '' ? here : join(here, path), { highWaterMark: chunkBytes });
    await sandbox.file.upload({ path: at(path), file: progress.through(content) }, { signal: either });
    progress.fileDone();
  });
  const executable = files.filter(({ isExecutable }) => isExecutable).map(({ path }) => at(path));
  await onPaths(sandbox, 'chmod +x', executable, signal);
}

async function look(path: string) {
  try {
    return await stat(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(`${path} cannot be read: ${reason}`, { hint: 'Check the path.', cause });
  }
}

async function targetOf(sandbox: Sandbox, path: string, name: string, signal: AbortSignal): Promise<string> {
  const isFolder = path.endsWith('/') || (await lookAt(sandbox, path, signal)).kind === 'folder';
  return isFolder ? `${path.replace(/\/+$/, '')}/${name}` : path;
}

interface LocalFile {
  /** From the top of what is copied. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly isExecutable: boolean;
}

/** Everything below a folder, the folder itself first. */
async function walk(
  top: string,
  leftOut: (path: string) => void,
): Promise<{ folders: string[]; files: LocalFile[] }> {
  const folders = [''];
  const files: LocalFile[] = [];
  for (const folder of folders) {
    for (const entry of await readdir(join(top, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        folders.push(path);
        continue;
      }
      const found = await stat(join(top, path)).catch(() => undefined);
      // A link to a folder may lead round in a circle, or out of what was meant.
      if (!found?.isFile()) leftOut(join(top, path));
      else files.push({ path, sizeBytes: found.size, isExecutable: (found.mode & 0o100) !== 0 });
    }
  }
  return { folders, files };
}
