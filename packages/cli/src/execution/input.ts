import { fstatSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { PaddockError } from '@paddock/client/parts';
import type { Box } from './box.ts';

const chunkBytes = 256 * 1024;
const firstPauseMs = 5;
const longestPauseMs = 100;

/**
 * What a command reads: standard input when it is a file, a pipe or a socket. A terminal's is kept for whoever sits there,
 * unless it is asked for.
 */
export function inputOf(isInteractive: boolean): NodeJS.ReadableStream | undefined {
  return isatty(0) ? (isInteractive ? process.stdin : undefined) : hasContent() ? process.stdin : undefined;
}

/** False for /dev/null, and for a standard input that is closed. */
function hasContent(): boolean {
  try {
    return !fstatSync(0).isCharacterDevice();
  } catch {
    return false;
  }
}

/** Sends an input to the command of a session, and its end, until the command is over. */
export async function send(
  box: Box,
  session_id: string,
  input: NodeJS.ReadableStream,
  over: Promise<unknown>,
): Promise<void> {
  const done = new AbortController();
  const finish = () => {
    done.abort();
    // It may never end by itself, and would keep this process from ending.
    if ('destroy' in input && typeof input.destroy === 'function') input.destroy();
  };
  void over.then(finish, finish);
  try {
    for await (const chunk of input) {
      const bytes = Buffer.from(chunk);
      for (let from = 0; from < bytes.length; from += chunkBytes) {
        const part = bytes.subarray(from, from + chunkBytes);
        await write(box, { session_id, input: part.toString('base64'), encoding: 'base64' }, done.signal);
      }
    }
    await write(box, { session_id, input: '', end: true }, done.signal);
  } catch (error) {
    if (!done.signal.aborted && !isUnread(error)) throw error;
    finish();
  }
}

/** At the pace of the command: what it does not take yet is offered again. */
async function write(
  box: Box,
  piece: Parameters<Box['bash']['write']>[0],
  signal: AbortSignal,
): Promise<void> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      await box.bash.write(piece, { signal });
      return;
    } catch (error) {
      if (!(error instanceof PaddockError && error.code === 'input_full')) throw error;
      await delay(pauseMs, undefined, { signal });
    }
  }
}

/** The command is over, so that nobody reads it. */
function isUnread(error: unknown): boolean {
  return (
    error instanceof PaddockError &&
    ['no_running_command', 'input_closed', 'session_not_found'].includes(error.code)
  );
}
