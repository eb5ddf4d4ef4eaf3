/** How many things were checked, and how they came out. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What a step found. */
export interface Result {
  readonly tally: Tally;
  /** What a person needs to read; empty when there is nothing to say. */
  readonly report: string;
}

/** The sum of two tallies. */
export function addTallies(one: Tally, other: Tally): Tally {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
  };
}
