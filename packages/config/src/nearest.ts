import { closest, distance } from 'fastest-levenshtein';

/** The candidate that somebody who typed `word` most likely meant, if any is near enough to be worth naming. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined;
  const spelled = new Map(candidates.map((candidate) => [plain(candidate), candidate]));
  const found = closest(plain(word), [...spelled.keys()]);
  const edits = distance(plain(word), found);
  return edits <= Math.max(2, Math.floor(found.length / 3)) ? spelled.get(found) : undefined;
}

/** Capitals and separators are what people get wrong most: `max_sandboxes`, `maxsandboxes`. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '');
}
