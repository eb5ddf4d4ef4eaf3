/** One line of the table: a figure of ours beside the same figure of a baseline. */
export interface Row {
  readonly name: string;
  readonly unit: 'ms' | 'MiB';
  /** How often each side is measured. */
  readonly runs: number;
  /** How many measurements of one side follow each other before it is the other's turn. */
  readonly block: number;
  /** What our median may be of the baseline's, at most. */
  readonly target?: number;
  /** What our median may be at most, whatever the baseline's is. */
  readonly limit?: number;
  /** Measurements of each side to throw away first; by default some of what is measured often, one of the rest. */
  readonly warmUps?: number;
  /** Starts what both sides need. */
  prepare(): Promise<Contest>;
}

/** Two sides, ready to be measured. Disposing of it ends what they have started. */
export interface Contest extends AsyncDisposable {
  /** One figure of ours, in the row's unit. */
  ours(): Promise<number>;
  /** One figure of the baseline, in the row's unit. */
  baseline(): Promise<number>;
}

/** Two sides that start anew for each figure what they need. */
export function apart(ours: Contest['ours'], baseline: Contest['baseline']): Row['prepare'] {
  return async () => ({ ours, baseline, async [Symbol.asyncDispose]() {} });
}

/** How long something takes, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}
