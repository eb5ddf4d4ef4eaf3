import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Execution } from '../src/shell/execution.ts';
import { waitForEnd } from '../src/shell/patience.ts';
import { TestShells } from './shell.support.ts';

/** What a caller may do with a session, all at once with others. */
type Step =
  | { readonly kind: 'count' }
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'type'; readonly text: string }
  | { readonly kind: 'fail'; readonly code: number }
  | { readonly kind: 'hard timeout' }
  | { readonly kind: 'kill' }
  | { readonly kind: 'soft timeout' }
  | { readonly kind: 'leave' };

interface Seen {
  readonly output: string;
  readonly status: string | undefined;
  readonly exitCode: number | null | undefined;
}

/** What must be seen, one command after the other: `n` counts those that ran in the same shell. */
class Model {
  #n = 0;

  expect(step: Step): Seen {
    this.#n += 1;
    const before = `${this.#n}\n`;
    switch (step.kind) {
      case 'count':
      case 'soft timeout':
      case 'leave':
        return { output: before, status: 'completed', exitCode: 0 };
      case 'fail':
        return { output: before, status: 'completed', exitCode: step.code };
      case 'type':
        return { output: `${before}<${step.text}>\n`, status: 'completed', exitCode: 0 };
      case 'exit':
        this.#n = 0;
        return { output: before, status: 'completed', exitCode: step.code };
      case 'hard timeout':
        return { output: before, status: 'hard_timeout', exitCode: null };
      case 'kill':
        return { output: before, status: 'terminated', exitCode: null };
    }
  }
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'count' as const }) },
  fc.record({ kind: fc.constant('exit' as const), code: fc.integer({ min: 0, max: 200 }) }),
  fc.record({ kind: fc.constant('fail' as const), code: fc.integer({ min: 1, max: 200 }) }),
  fc.record({ kind: fc.constant('type' as const), text: fc.stringMatching(/^[a-z]{1,8}$/) }),
  fc.constant({ kind: 'hard timeout' as const }),
  fc.constant({ kind: 'kill' as const }),
  fc.constant({ kind: 'soft timeout' as const }),
  fc.constant({ kind: 'leave' as const }),
);

const count = 'n=$((n+1)); echo $n';
const commands: { readonly [Kind in Step['kind']]: string } = {
  count,
  exit: `${count}; exit `,
  fail: `${count}; (exit `,
  type: `${count}; read x; echo "<$x>"`,
  'hard timeout': `${count}; sleep 60`,
  kill: `${count}; bash -c 'exec sleep 60'`,
  'soft timeout': `${count}; sleep 0.05`,
  leave: `${count}; sleep 0.05`,
};

describe('a shell session', () => {
  const shells = new TestShells();
  let sessions = 0;
  afterAll(() => shells[Symbol.asyncDispose]());

  it('does for callers that come at once what it would do for one after the other', async () => {
    const together = fc.array(step, { minLength: 1, maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(together, async (steps) => {
        sessions += 1;
        const id = `model-${sessions}`;
        const model = new Model();
        const expected = steps.map((each) => model.expect(each));
        expect(await Promise.all(steps.map((each) => carryOut(id, each)))).toEqual(expected);
        await shells.sessions.delete(id);
      }),
      { numRuns: Number(process.env.MODEL_RUNS ?? 25), endOnFailure: true },
    );
  }, 120_000);

  async function carryOut(id: string, step: Step): Promise<Seen> {
    const text =
      commands[step.kind] + (step.kind === 'exit' ? step.code : step.kind === 'fail' ? `${step.code})` : '');
    const hardTimeoutMs = step.kind === 'hard timeout' ? 150 : undefined;
    const { entry, execution } = await shells.sessions.start(
      id,
      { text, hardTimeoutMs },
      {},
      { queueTimeoutMs: 60_000 },
    );
    if (step.kind === 'type' || step.kind === 'kill') await hasPrinted(execution);
    if (step.kind === 'type') entry.session.type(`${step.text}\n`);
    if (step.kind === 'kill') await entry.session.stop('terminated');
    if (step.kind === 'soft timeout') await waitForEnd(execution, { timeoutMs: 5 });
    if (step.kind === 'leave') await waitForEnd(execution, { signal: AbortSignal.timeout(5) });
    await waitForEnd(execution, {});
    const { outcome } = execution;
    const output = execution.text().text;
    // What the shell says about an interrupt is no matter here.
    const isStopped = step.kind === 'kill' || step.kind === 'hard timeout';
    return {
      output: isStopped ? output.slice(0, output.indexOf('\n') + 1) : output,
      status: outcome?.status,
      exitCode: outcome?.exitCode,
    };
  }
});

async function hasPrinted(execution: Execution): Promise<void> {
  while (!execution.text().text.includes('\n')) {
    const { promise, resolve } = Promise.withResolvers<void>();
    using _listening = execution.onChange(resolve);
    if (!execution.text().text.includes('\n')) await promise;
  }
}
