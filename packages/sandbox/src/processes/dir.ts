/** Whether a command can start in the folder that it names. */
import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { Fault } from '@paddock/protocol';

/** `path`: change to it. Neither that nor a fault: stay. */
interface Enterable {
  readonly path?: string;
  readonly hint?: string;
  readonly fault?: Fault;
}

/** Looks at the folder now: a command before this one may have made or removed it. */
export function enterable({
  dir,
  strict,
}: {
  dir?: string | undefined;
  strict?: boolean | undefined;
}): Enterable {
  if (dir === undefined) return {};
  if (!isAbsolute(dir)) {
    return { fault: new Fault('working_dir_not_found', 'exec_dir must be an absolute path. Nothing ran.') };
  }
  const reason = whyNot(dir);
  if (reason === undefined) return { path: dir };
  if (strict === true)
    return { fault: new Fault('working_dir_not_found', `exec_dir ${reason}. Nothing ran.`) };
  return { hint: `exec_dir ${reason}: the command ran where the session was.` };
}

function whyNot(dir: string): string | undefined {
  try {
    if (!statSync(dir).isDirectory()) return 'is not a folder';
    accessSync(dir, constants.X_OK);
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EACCES'
      ? 'may not be entered'
      : 'does not exist';
  }
}
