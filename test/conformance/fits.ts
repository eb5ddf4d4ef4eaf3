import type { Shape } from './shape.ts';

/**
 * Why what one side sends may surprise the other: an empty list when every value of `sent` is one that `expected` allows.
 *
 * @param at the place in words, such as `data.session_id`.
 */
export function misfits(sent: Shape, expected: Shape, at = ''): string[] {
  if (Object.keys(expected).length === 0) return [];
  if (sent.oneOf) return sent.oneOf.flatMap((one) => misfits(one, expected, at));
  if (expected.oneOf) {
    const sameType = expected.oneOf.filter((one) => hasType(sent, one));
    const tries = (sameType.length > 0 ? sameType : expected.oneOf).map((one) => misfits(sent, one, at));
    // The alternative that comes nearest is the one that was meant.
    return tries.reduce((best, other) => (other.length < best.length ? other : best));
  }
  return [...typeMisfits(sent, expected, at), ...insideMisfits(sent, expected, at)];
}

function typeMisfits(sent: Shape, expected: Shape, at: string): string[] {
  if (!hasType(sent, expected)) return [`${at}: ${sent.type ?? 'anything'} instead of ${expected.type}`];
  if (!expected.enum) return [];
  if (!sent.enum) return [`${at}: any ${sent.type} instead of ${expected.enum.join(' | ')}`];
  const others = sent.enum.filter((value) => !expected.enum?.includes(value));
  return others.length > 0 ? [`${at}: also ${others.join(', ')}`] : [];
}

function insideMisfits(sent: Shape, expected: Shape, at: string): string[] {
  const fields = Object.entries(expected.fields ?? {}).flatMap(([name, field]) => {
    const path = at === '' ? name : `${at}.${name}`;
    const own = sent.fields?.[name];
    const missing =
      expected.required?.includes(name) && !sent.required?.includes(name) ? [`${path}: may be absent`] : [];
    return own ? [...missing, ...misfits(own, field, path)] : missing;
  });
  const items = expected.items && sent.items ? misfits(sent.items, expected.items, `${at}[]`) : [];
  const values = expected.values && sent.values ? misfits(sent.values, expected.values, `${at}.*`) : [];
  return [...fields, ...items, ...values];
}

function hasType(sent: Shape, expected: Shape): boolean {
  if (expected.type === undefined) return true;
  return sent.type === expected.type || (sent.type === 'integer' && expected.type === 'number');
}

/** The fields of one shape, also inside of fields and lists, that another does not have. */
export function unknownFields(of: Shape, to: Shape, at = ''): string[] {
  const [theirs, ours] = [alternatives(of), alternatives(to)];
  const fields = theirs.flatMap((shape) =>
    Object.entries(shape.fields ?? {}).flatMap(([name, field]) => {
      const path = at === '' ? name : `${at}.${name}`;
      const own = ours.flatMap((one) => one.fields?.[name] ?? []);
      return own.length > 0 ? unknownFields(field, { oneOf: own }, path) : [path];
    }),
  );
  const items = theirs.flatMap(({ items: inner }) => inner ?? []);
  const ownItems = ours.flatMap(({ items: inner }) => inner ?? []);
  return [...fields, ...items.flatMap((inner) => unknownFields(inner, { oneOf: ownItems }, `${at}[]`))];
}

function alternatives(shape: Shape): readonly Shape[] {
  return shape.oneOf ? shape.oneOf.flatMap(alternatives) : [shape];
}
