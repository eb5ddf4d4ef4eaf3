import {
  atPath,
  type ConnectionOptions,
  connectionTo,
  type Methods,
  methodsOf,
  releaseOf,
} from '@paddock/client/parts';
import { bash } from '@paddock/protocol/bash';
import { file } from '@paddock/protocol/file';
import { randomId } from '../random-id.ts';

const tables = { bash, file };

/** A sandbox as commands are run in it. */
export interface Box extends Methods<typeof tables> {
  readonly id: string;
}

/** The sandbox of an id, which must exist. Sends nothing yet. */
export function boxOf(options: ConnectionOptions, id: string): Box {
  return { id, ...methodsOf(tables, connectionTo(atPath(options, id))) };
}

/** A sandbox that is gone at the end of its scope. */
interface OwnBox extends Box, AsyncDisposable {}

/**
 * A new sandbox. The first request to it makes it, which saves one that would only do that; those that follow find it or
 * fail, so that nobody works on in an empty one after it has ended.
 *
 * @param releaseWaits whether the end of its scope waits until everything of it is put away.
 */
export function newBox(options: ConnectionOptions, releaseWaits: boolean): OwnBox {
  const id = randomId();
  const existing = boxOf(options, id);
  let next: Omit<Box, 'id'> = methodsOf(tables, connectionTo(options, { 'x-sandbox-id': id }));
  const take = () => {
    const taken = next;
    next = existing;
    return taken;
  };
  return {
    id,
    get bash() {
      return take().bash;
    },
    get file() {
      return take().file;
    },
    [Symbol.asyncDispose]: () => releaseOf(options, id)({ wait: releaseWaits }),
  };
}
