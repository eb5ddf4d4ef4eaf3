let lastSecond = Number.NaN;
let lastPrefix = '';

/** ISO 8601, as Date has it. Files of one tree often share a second: its text is made once. */
export function isoTime(timeMs: number): string {
  const whole = Math.floor(timeMs);
  const second = Math.floor(whole / 1000);
  if (second !== lastSecond) {
    lastPrefix = new Date(second * 1000).toISOString().slice(0, -'000Z'.length);
    lastSecond = second;
  }
  return `${lastPrefix}${String(whole - second * 1000).padStart(3, '0')}Z`;
}
