import { setTimeout as delay } from 'node:timers/promises';
import { PaddockError } from '@paddock/client/parts';
import type { BashStatus } from '@paddock/protocol';
import type { Box } from './box.ts';

/** So much of each output comes with the answer to a command. */
export const limitWholeBytes = 65_536;

const firstPauseMs = 20;
const longestPauseMs = 250;

/** A command that is over, with what came of its outputs. */
export interface Ended {
  readonly status: BashStatus;
  readonly exit_code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Following {
  readonly box: Box;
  /** The file that the output goes to. */
  readonly path: string;
  readonly over: Promise<Ended>;
  /** The same output as far as it came with the answer. */
  readonly whole: (ended: Ended) => string;
  readonly take: (bytes: Uint8Array) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Reads an output from its beginning while it grows, until the command is over and all of it was taken. */
export async function follow({ box, path, over, whole, take, signal }: Following): Promise<void> {
  let position = 0;
  let pauseMs = firstPauseMs;
  for (;;) {
    // Most commands are over before the first look.
    const ended = await within(pauseMs, over, signal);
    const short = position === 0 && ended?.status === 'completed' ? shortOf(whole(ended)) : undefined;
    if (short) return short.length > 0 ? take(short) : undefined;
    const before = position;
    for await (const chunk of read(box, path, position, signal)) {
      position += chunk.length;
      await take(chunk);
    }
    if (ended) return;
    pauseMs = position > before ? firstPauseMs : Math.min(pauseMs * 2, longestPauseMs);
  }
}

/** The output when it is all there and came through as it was: text that is none shows as U+FFFD. */
function shortOf(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text);
  return bytes.length < limitWholeBytes && !text.includes('\uFFFD') ? bytes : undefined;
}

/** What a promise gives, if it does within a time. Nothing of the time is left behind, which would keep the process alive. */
async function within<Result>(
  limitMs: number,
  promise: Promise<Result>,
  signal: AbortSignal,
): Promise<Result | undefined> {
  const settled = new AbortController();
  const pause = delay(limitMs, undefined, { signal: AbortSignal.any([signal, settled.signal]) });
  try {
    return await Promise.race([promise, pause]);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    settled.abort();
    pause.catch(() => {});
  }
}

async function* read(box: Box, path: string, from: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    const headers = { range: `bytes=${from}-` };
    yield* await box.file.download({ path }, { headers, signal });
  } catch (error) {
    // Nothing new yet, or a command that has not begun.
    if (error instanceof PaddockError && nothingYet.has(error.code)) return;
    throw error;
  }
}

const nothingYet = new Set<string>(['file_invalid_range', 'file_not_found']);
