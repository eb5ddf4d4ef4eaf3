import { describe, expect, it } from 'vitest';
import { advance, type State, type Step } from '../src/fleet/lifecycle.ts';

const states: State[] = ['absent', 'claimed', 'ready', 'stopped', 'gone'];
const allowed: Record<Step, Partial<Record<State, State>>> = {
  claim: { absent: 'claimed', stopped: 'claimed' },
  bind: { claimed: 'ready' },
  lose: { claimed: 'stopped', ready: 'stopped' },
  release: { absent: 'gone', claimed: 'gone', ready: 'gone', stopped: 'gone' },
};

describe('the life of a sandbox', () => {
  const cases = Object.entries(allowed).flatMap(([step, from]) =>
    states.map((state) => [state, step as Step, from[state]] as const),
  );
  it.each(cases)('%s, %s: %s', (state, step, to) => {
    if (to === undefined)
      expect(() => advance(state, step)).toThrow(`a sandbox that is ${state} cannot ${step}`);
    else expect(advance(state, step)).toBe(to);
  });
});
