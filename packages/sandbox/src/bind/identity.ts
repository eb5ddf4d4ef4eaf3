import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type BindRequest, Fault } from '@paddock/protocol';

/** Whose sandbox this server is: nobody's until it is bound, then one sandbox's until it ends. */
export class Identity {
  /** A new one at every start, so that callers can tell that sessions were lost. */
  readonly bootId = randomUUID();
  #bound: BindRequest | undefined;
  #notice: string | undefined;

  get isBound(): boolean {
    return this.#bound !== undefined;
  }

  /** Variables that the owner gave this sandbox's commands. */
  get env(): Readonly<Record<string, string>> {
    return this.#bound?.env ?? {};
  }

  /**
   * Takes on a sandbox's identity. A gateway that lost the answer may send the same bind again.
   *
   * @throws {Fault} `bound_to_another` for any other bind than the first.
   */
  bind(request: BindRequest): void {
    if (this.#bound) {
      if (isDeepStrictEqual({ ...this.#bound, notice: null }, { ...request, notice: null })) return;
      throw new Fault('bound_to_another');
    }
    for (const { path, content, mode } of request.files) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, Buffer.from(content, 'base64'), { mode });
      chmodSync(path, mode);
    }
    this.#bound = request;
    this.#notice = request.notice ?? undefined;
  }

  /** What the next answer is to say of how this sandbox came to be. It is said once. */
  takeNotice(): string | undefined {
    const notice = this.#notice;
    this.#notice = undefined;
    return notice;
  }
}
