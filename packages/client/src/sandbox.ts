import { type Aio, aio } from '@paddock/protocol';
import { claim, type Lease } from './claim.ts';
import { atPath, type ConnectionOptions, connectionTo } from './connection.ts';
import type { CommandResult } from './error.ts';
import type { CallOptions } from './exchange.ts';
import { Files } from './files.ts';
import { Gateway } from './gateway.ts';
import { type Answers, answersOf, type Methods, methodsOf } from './methods.ts';
import { type RunOptions, run } from './run.ts';
import { type Streams, streamsOf } from './streams.ts';

export interface SandboxOptions extends ConnectionOptions {
  /** The sandbox's id, sent as X-Sandbox-Id: the gateway makes the sandbox when it is first used. */
  readonly id?: string | undefined;
}

/**
 * A sandbox: shells, commands and files, as methods of the AIO API.
 *
 * @example
 * await using sandbox = await Sandbox.create();
 * const { output } = await sandbox.shell.exec({ command: 'uname -a' });
 */
export class Sandbox implements Methods<Aio> {
  readonly sandbox: Methods<Aio>['sandbox'];
  readonly shell: Methods<Aio>['shell'];
  readonly bash: Methods<Aio>['bash'];
  readonly file: Methods<Aio>['file'];
  /** The same methods, giving the server's message and hint with the data. */
  readonly answers: Answers<Aio>;
  /** The methods that can tell what happens while it happens, as async iterators. */
  readonly streams: Streams<Aio>;
  readonly files: Files;

  /**
   * The sandbox of an id behind a gateway, made when it is first used; without an id the one that `baseUrl` is, or the
   * gateway's default. Sends nothing yet.
   *
   * @throws TypeError when the base URL is no http or https URL.
   */
  constructor(options: SandboxOptions = {}) {
    const connection = connectionTo(options, options.id === undefined ? {} : { 'x-sandbox-id': options.id });
    const { sandbox, shell, bash, file } = methodsOf(aio, connection);
    this.sandbox = sandbox;
    this.shell = shell;
    this.bash = bash;
    this.file = file;
    this.answers = answersOf(aio, connection);
    this.streams = streamsOf(aio, connection);
    this.files = new Files(file);
  }

  /**
   * Runs a command in a fresh bash and gives what it printed, all of it.
   *
   * @throws CommandError when it ends with another exit code than 0 or is killed, and PaddockError.
   */
  run(command: string, options?: RunOptions): Promise<CommandResult> {
    return run(this.bash, command, options);
  }

  /**
   * Creates a sandbox, under a random id unless one is given, that is released when its scope ends (`await using`).
   *
   * @throws PaddockError
   */
  static async create(options: SandboxOptions = {}): Promise<OwnedSandbox> {
    return new OwnedSandbox(options, await claim(options, options.id));
  }

  /**
   * Finds a sandbox that exists. Should it end, calls fail with `sandbox_not_found` instead of making an empty new one.
   *
   * @throws PaddockError
   */
  static async connect(options: ConnectionOptions & { readonly id: string }): Promise<Sandbox> {
    await new Gateway(options).sandboxes.get({ sandbox_id: options.id });
    return Sandbox.at(options);
  }

  /** The same without asking whether it exists. Sends nothing yet. */
  static at(options: ConnectionOptions & { readonly id: string }): Sandbox {
    return new Sandbox(atPath(options, options.id));
  }
}

/** A sandbox that this program made and ends. */
export class OwnedSandbox extends Sandbox implements AsyncDisposable {
  readonly id: string;
  readonly #lease: Lease;

  /** Made by {@link Sandbox.create}. */
  constructor(options: ConnectionOptions, lease: Lease) {
    super(atPath(options, lease.id));
    this.id = lease.id;
    this.#lease = lease;
  }

  /** Ends the sandbox, all that runs in it, and deletes its files. Once it is gone this does nothing. */
  async release(options?: CallOptions): Promise<void> {
    await this.#lease.release(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}
