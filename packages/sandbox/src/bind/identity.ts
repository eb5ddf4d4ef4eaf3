import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type BindRequest, control, Fault } from '@paddock/protocol';

/** Said by itself after a restart, unless a gateway knows more. */
const restarted =
  'The sandbox was restarted. Its files are kept; sessions lost, and with them shells, variables and running commands.';

/** Whose sandbox this server is: nobody's until it is bound, then one sandbox's until it ends. */
export class Identity {
  /** A new one at every start, so that callers can tell that sessions were lost. */
  readonly bootId = randomUUID();
  readonly #file: string | undefined;
  #bound: BindRequest | undefined;
  #notice: string | undefined;

  /**
   * @param file where a bind is kept for the next start. What a start finds there holds: the user's code could have
   * written it, and would have gained nothing that it had not.
   */
  constructor(file?: string) {
    this.#file = file;
    this.#bound = file === undefined ? undefined : readBind(file);
    if (this.#bound) this.#notice = restarted;
  }

  get isBound(): boolean {
    return this.#bound !== undefined;
  }

  /** Variables that the owner gave this sandbox's commands. */
  get env(): Readonly<Record<string, string>> {
    return this.#bound?.env ?? {};
  }

  /**
   * Takes on a sandbox's identity. Any gateway may send the bind of the same sandbox again: the first one holds, and what
   * a later one knows of a restart is told in place of what this server knows.
   *
   * @throws {Fault} `bound_to_another` for the bind of another sandbox.
   */
  bind(request: BindRequest): void {
    if (this.#bound) {
      if (this.#bound.name !== request.name) throw new Fault('bound_to_another');
      if (this.#notice !== undefined) this.#notice = request.notice ?? this.#notice;
      return;
    }
    for (const { path, content, mode } of request.files) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, Buffer.from(content, 'base64'), { mode });
      chmodSync(path, mode);
    }
    if (this.#file !== undefined) writeBind(this.#file, request);
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

function readBind(file: string): BindRequest | undefined {
  if (!existsSync(file)) return undefined;
  const kept = control.server.bind.request.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  return kept.success ? kept.data : undefined;
}

/** In one step: a server that is killed in the middle is bound or not, and never half. */
function writeBind(file: string, request: BindRequest): void {
  const { notice: _, ...kept } = request;
  writeFileSync(`${file}.new`, JSON.stringify(kept), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
