import { setTimeout as delay } from 'node:timers/promises';
import { PaddockError, type Sandbox } from '@paddock/client';

const firstPauseMs = 20;
const longestPauseMs = 250;

/** Reads a file of a sandbox from its beginning while it grows, until it is over and all of it was taken. */
export async function follow(
  sandbox: Sandbox,
  path: string,
  take: (text: string) => Promise<void>,
  over: Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const decoder = new TextDecoder();
  let position = 0;
  let pauseMs = firstPauseMs;
  let isOver = false;
  void over.then(() => {
    isOver = true;
  });
  for (;;) {
    // Most commands are over before the first look.
    await Promise.race([over, pause(pauseMs, signal)]);
    const isLast = isOver;
    const before = position;
    for await (const chunk of read(sandbox, path, position, signal)) {
      position += chunk.length;
      await take(decoder.decode(chunk, { stream: true }));
    }
    if (isLast) return take(decoder.decode());
    pauseMs = position > before ? firstPauseMs : Math.min(pauseMs * 2, longestPauseMs);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}

async function* read(
  sandbox: Sandbox,
  path: string,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    const headers = { range: `bytes=${from}-` };
    yield* await sandbox.file.download({ path }, { headers, signal });
  } catch (error) {
    // Nothing new yet, or a command that has not begun.
    if (error instanceof PaddockError && nothingYet.has(error.code)) return;
    throw error;
  }
}

const nothingYet = new Set<string>(['file_invalid_range', 'file_not_found']);
