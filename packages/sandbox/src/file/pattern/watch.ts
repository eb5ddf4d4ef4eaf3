import { type Context, createContext, Script } from 'node:vm';

/** Longer than any honest pattern needs for one file. */
const limitMs = 1_000;

/** Matching took too long. */
export class MatchTimeout extends Error {
  override readonly name = 'MatchTimeout';
}

let watched: { readonly context: Context & { work: () => void }; readonly script: Script } | undefined;

/**
 * Runs a function that matches regular expressions, and breaks it off when one goes into catastrophic backtracking:
 * only code that node:vm started can be interrupted.
 *
 * @throws {MatchTimeout}
 */
export function underWatch<Result>(work: () => Result): Result {
  watched ??= {
    context: createContext({ work() {} }) as Context & { work: () => void },
    script: new Script('work()'),
  };
  const results: Result[] = [];
  watched.context.work = () => {
    results.push(work());
  };
  try {
    watched.script.runInContext(watched.context, { timeout: limitMs });
  } catch (error) {
    // The error comes from the other context: it is an instance of no class of ours.
    if (Reflect.get(Object(error), 'code') === 'ERR_SCRIPT_EXECUTION_TIMEOUT') {
      throw new MatchTimeout(`it takes longer than ${limitMs} ms`);
    }
    throw error;
  } finally {
    watched.context.work = () => {};
  }
  const [result] = results;
  return result as Result;
}
