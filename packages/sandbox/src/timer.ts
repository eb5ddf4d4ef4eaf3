/** The longest time that a timer can be set to: a longer one would go off at once. 24.8 days. */
const longestMs = 2 ** 31 - 1;

/** A duration of the API, in seconds, as timers take it; undefined where none is given. */
export function timerMs(seconds: number | null | undefined): number | undefined {
  return seconds === null || seconds === undefined ? undefined : Math.min(seconds * 1000, longestMs);
}
