import { Gateway } from '@paddock/client/parts';
import { CliError } from '../failure.ts';
import { print } from '../output.ts';
import { type GlobalOptions, openReach } from '../reach.ts';
import { abortOnEnding } from '../signals.ts';

export interface LogsOptions extends GlobalOptions {
  readonly id: string;
  readonly follow?: boolean;
  /** How many lines. */
  readonly tail?: string;
  /** A time, or how long ago. */
  readonly since?: string;
}

/** Prints the log of a sandbox. */
export async function logs({ id, follow = false, tail, since, ...options }: LogsOptions): Promise<void> {
  const request = {
    sandbox_id: id,
    ...(tail !== undefined && { tail: linesOf(tail) }),
    ...(since !== undefined && { since: timeOf(since) }),
    ...(follow && { follow: 'true' as const }),
  };
  using ending = abortOnEnding();
  const { signal } = ending;
  await using reach = await openReach(options, signal);
  const gateway = new Gateway({ ...reach.connection, signal });
  await using content = await gateway.sandboxes.logs(request);
  if (options.json) for await (const line of linesIn(content)) await print(`${JSON.stringify(read(line))}\n`);
  else for await (const chunk of content) await print(chunk);
}

function linesOf(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new CliError(`--tail is ${JSON.stringify(text)}`, {
    hint: 'Give a number of lines, such as --tail 100.',
  });
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function timeOf(text: string): string {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = count === undefined ? Date.parse(text) : Date.now() - Number(count) * (unitMs[unit] ?? 0);
  if (!Number.isNaN(ms)) return new Date(ms).toISOString();
  throw new CliError(`--since is ${JSON.stringify(text)}`, {
    hint: 'Give a time such as 2026-01-31T09:00:00Z, or how long ago: 90s, 15m, 2h, 1d.',
  });
}

async function* linesIn(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let open = '';
  for await (const chunk of chunks) {
    const lines = (open + decoder.decode(chunk, { stream: true })).split('\n');
    open = lines.pop() ?? '';
    yield* lines;
  }
  if (open !== '') yield open;
}

function read(line: string) {
  const [time, source] = line.split(' ', 2);
  return { time, source, text: line.slice(`${time} ${source} `.length) };
}
