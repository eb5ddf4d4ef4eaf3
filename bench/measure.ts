import { quantile } from './quantile.ts';
import type { Contest, Row } from './row.ts';

/** A row's figures. */
export interface Measured {
  readonly name: string;
  readonly unit: Row['unit'];
  readonly runs: number;
  readonly ours: Spread;
  readonly baseline: Spread;
  /** Our median over the baseline's. */
  readonly ratio: number;
  readonly target: number | null;
  readonly limit: number | null;
  /** Null where there is neither target nor limit. */
  readonly met: boolean | null;
}

interface Spread {
  readonly min: number;
  readonly median: number;
  readonly p99: number;
}

type Side = 'ours' | 'baseline';

/**
 * Measures both sides of a row in turn, so that what else the machine does falls on both.
 *
 * @param runs how often each side is measured; the row's own count if left out.
 * @throws the signal's reason, when it is aborted, after everything that was started has ended.
 */
export async function measure(row: Row, signal: AbortSignal, runs = row.runs): Promise<Measured> {
  await using contest = await row.prepare();
  const block = Math.min(row.block, runs);
  const figures = { ours: [] as number[], baseline: [] as number[] };
  const warmUps = row.warmUps ?? Math.max(1, Math.ceil(block / 2));
  await oneBlock(contest, 'ours', warmUps, signal);
  await oneBlock(contest, 'baseline', warmUps, signal);
  for (let round = 0; figures.ours.length < runs; round += 1) {
    const count = Math.min(block, runs - figures.ours.length);
    const order: Side[] = round % 2 === 0 ? ['ours', 'baseline'] : ['baseline', 'ours'];
    for (const side of order) figures[side].push(...(await oneBlock(contest, side, count, signal)));
  }
  const ours = spread(figures.ours);
  const baseline = spread(figures.baseline);
  const ratio = ours.median / baseline.median;
  const { target = null, limit = null } = row;
  // Not by the ratio: a difference that is lost in noise can be negative.
  const isMet =
    (target === null || ours.median <= target * baseline.median) && (limit === null || ours.median <= limit);
  const met = target === null && limit === null ? null : isMet;
  return { name: row.name, unit: row.unit, runs, ours, baseline, ratio, target, limit, met };
}

async function oneBlock(contest: Contest, side: Side, count: number, signal: AbortSignal): Promise<number[]> {
  const figures: number[] = [];
  for (let run = 0; run < count; run += 1) {
    signal.throwIfAborted();
    figures.push(await contest[side]());
  }
  return figures;
}

function spread(figures: readonly number[]): Spread {
  return { min: quantile(figures, 0), median: quantile(figures, 0.5), p99: quantile(figures, 0.99) };
}
