/**
 * The boundary between what sandboxes are for and what they are made of. An engine starts, finds and ends sandbox
 * servers; whose they are, and what may be asked of them, is decided above it.
 */

/** A sandbox's name: the hash of its owner and id, 32 hex digits. */
export type SandboxName = string & { readonly brand: 'SandboxName' };

/** What is asked for when a sandbox is claimed. */
export interface Claim {
  readonly name: SandboxName;
  /** The id as its owner chose it. */
  readonly id: string;
  readonly owner: string;
}

/** A running sandbox server. */
export interface Server {
  /** Tokens are made for this id: a new one for every start. */
  readonly id: string;
  /** Where it listens. Only engines make addresses: nothing a sandbox says becomes one. */
  readonly address: { readonly socketPath: string };
  /** Settles when the server has ended, with the reason in words. Never rejects. */
  readonly ended: Promise<string>;
}

/** A sandbox that the engine keeps: with a server, or only its files. */
export interface Kept extends Claim {
  readonly createdAt: Date;
  readonly server: Server | undefined;
}

/** Whether a claim could be served now, and what may answer the probe meanwhile. */
export type Readiness =
  | { readonly ready: true; readonly probe: Server | undefined }
  | { readonly ready: false; readonly reason: string };

/** Makes, lists and ends sandboxes. Every engine passes the same contract suite: test/engine-contract. */
export interface Engine extends AsyncDisposable {
  /**
   * Finds what earlier runs left, proves that sandboxes can start, and fills the warm pool.
   *
   * @throws {SetupError} when sandboxes cannot be started here.
   */
  start(): Promise<void>;
  /**
   * Gives the sandbox of that name a running, unbound server: the files stay when it had a server before. A name that
   * is claimed gets what it has. Callers do not claim one name twice at the same time.
   *
   * @throws {Fault} `sandbox_failed`.
   */
  claim(claim: Claim): Promise<Kept & { readonly server: Server }>;
  /** The claimed sandboxes, from memory. */
  list(): readonly Kept[];
  /** Ends a sandbox and deletes its files. A name that is not there is no error. */
  release(name: SandboxName): Promise<void>;
  readiness(): Readiness;
  /** What operators should know of how sandboxes run here, such as the kind of network. */
  readonly facts: Readonly<Record<string, string>>;
  /** Ends every server and keeps the files of claimed sandboxes. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Sandboxes cannot run on this machine or with this configuration. One clear line and a hint; the program ends. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
  readonly hint: string;

  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.hint = hint;
  }
}
