import { describe, expect, it } from 'vitest';
import { misfits, unknownFields } from './fits.ts';
import type { Shape } from './shape.ts';

const text: Shape = { type: 'string' };
const whole: Shape = { type: 'integer' };
const nothing: Shape = { type: 'null' };
const object = (fields: Record<string, Shape>, required: string[] = []): Shape => ({
  type: 'object',
  fields,
  required,
});

describe('what one side sends and the other expects', () => {
  const cases: [what: string, sent: Shape, expected: Shape, faults: string[]][] = [
    ['the same', object({ a: text }, ['a']), object({ a: text }, ['a']), []],
    ['a field more', object({ a: text, b: whole }), object({ a: text }), []],
    ['a field that may be absent', object({ a: text }), object({ a: text }, ['a']), ['a: may be absent']],
    ['a field of another type', object({ a: whole }), object({ a: text }), ['a: integer instead of string']],
    ['a whole number', whole, { type: 'number' }, []],
    ['a fraction', { type: 'number' }, whole, [': number instead of integer']],
    ['null where there is none', { oneOf: [text, nothing] }, text, [': null instead of string']],
    ['never null', text, { oneOf: [text, nothing] }, []],
    ['a word of its own', { ...text, enum: ['x', 'y'] }, { ...text, enum: ['x'] }, [': also y']],
    ['any word', text, { ...text, enum: ['x', 'y'] }, [': any string instead of x | y']],
    [
      'a fault deep inside',
      object({ a: { type: 'array', items: object({ b: whole }) } }),
      { oneOf: [nothing, object({ a: { type: 'array', items: object({ b: text }, ['b']) } })] },
      ['a[].b: may be absent', 'a[].b: integer instead of string'],
    ],
  ];
  it.each(cases)('%s', (_, sent, expected, faults) => {
    expect(misfits(sent, expected)).toEqual(faults);
  });

  it('names fields that the other does not have, also inside of lists', () => {
    const sent = object({ a: text, b: { type: 'array', items: object({ c: text, d: text }) } });
    expect(unknownFields(sent, object({ b: { type: 'array', items: object({ c: text }) } }))).toEqual([
      'a',
      'b[].d',
    ]);
  });
});
