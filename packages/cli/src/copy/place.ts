import { CliError } from '../failure.ts';

/** One side of a copy. */
type Place =
  | { readonly kind: 'here'; readonly path: string }
  | { readonly kind: 'sandbox'; readonly id: string; readonly path: string };

/** A copy from this machine into a sandbox, or from a sandbox to this machine. */
export interface Copy {
  readonly direction: 'in' | 'out';
  readonly id: string;
  readonly here: string;
  readonly there: string;
}

/**
 * What the two arguments of a copy mean.
 *
 * @throws CliError when not exactly one of them is in a sandbox.
 */
export function copyOf(source: string, target: string): Copy {
  const [from, to] = [placeOf(source), placeOf(target)];
  if (from.kind === 'here' && to.kind === 'sandbox') {
    return { direction: 'in', id: to.id, here: from.path, there: to.path };
  }
  if (from.kind === 'sandbox' && to.kind === 'here') {
    return { direction: 'out', id: from.id, here: to.path, there: from.path };
  }
  const both = from.kind === 'sandbox';
  throw new CliError(`${both ? 'both sides are' : 'neither side is'} in a sandbox`, {
    hint: 'Write one side as ID:PATH, the other as a path of this machine; ./a:b is a file here.',
  });
}

/** As scp tells them apart: what stands before a colon is a sandbox, unless a slash comes first. */
function placeOf(text: string): Place {
  const [, id, path] = /^([A-Za-z0-9_-]{1,64}):(.*)$/s.exec(text) ?? [];
  return id !== undefined && path !== undefined
    ? { kind: 'sandbox', id, path }
    : { kind: 'here', path: text };
}
