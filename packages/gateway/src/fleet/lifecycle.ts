/** The life of a sandbox, from nothing to gone: every state, and every step between two of them. */

/** Where a sandbox is in its life. */
export type State = 'absent' | 'claimed' | 'ready' | 'stopped' | 'gone';

/** What moves it on. */
export type Step = 'claim' | 'bind' | 'lose' | 'release';

/**
 * `claim` gives it a server, `bind` tells the server whose it is, `lose` is the end of a server whose files stay,
 * `release` ends it for good.
 */
const transitions: Readonly<Record<Step, { readonly from: readonly State[]; readonly to: State }>> = {
  claim: { from: ['absent', 'stopped'], to: 'claimed' },
  bind: { from: ['claimed'], to: 'ready' },
  lose: { from: ['claimed', 'ready'], to: 'stopped' },
  release: { from: ['absent', 'claimed', 'ready', 'stopped'], to: 'gone' },
};

/**
 * The state after a step.
 *
 * @throws {Error} for a step that the state does not allow: a fault of ours.
 */
export function advance(state: State, step: Step): State {
  const { from, to } = transitions[step];
  if (!from.includes(state)) throw new Error(`a sandbox that is ${state} cannot ${step}`);
  return to;
}
