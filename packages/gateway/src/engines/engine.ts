/**
 * The boundary between what sandboxes are for and what they are made of. An engine starts, finds and ends sandbox
 * servers; whose they are, and what may be asked of them, is decided above it.
 */

/** A sandbox's name: the hash of its owner and id, 32 hex digits. */
export type SandboxName = string & { readonly brand: 'SandboxName' };

/** A folder or file of the host that is to be seen in a sandbox. */
export interface Mount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly readOnly: boolean;
}

/** What is asked for when a sandbox is claimed. */
export interface Claim {
  readonly name: SandboxName;
  /** The id as its owner chose it. */
  readonly id: string;
  readonly owner: string;
  /** One of the templates of the configuration; undefined for the unnamed one. It holds for the sandbox's whole life. */
  readonly template?: string | undefined;
  /** As they were asked for. The engine decides at each start of a server which of them the configuration allows. */
  readonly mounts?: readonly Mount[] | undefined;
  /** What is written down with it from the first. */
  readonly notes?: Notes | undefined;
  /** Seconds after which it ends in any case; undefined for never. */
  readonly maxLifeSeconds?: number | undefined;
}

/** What is kept with a sandbox for those above the engine: any gateway reads it back. Times are in milliseconds since 1970. */
export interface Notes {
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly threadId?: string | undefined;
  readonly userId?: string | undefined;
  /** In place of the configured time; 0 is never. */
  readonly idleSeconds?: number | undefined;
  /** When it is to end if it is not used after `setMs`. */
  readonly expiry?: { readonly atMs: number; readonly setMs: number } | undefined;
  readonly lastUsedMs?: number | undefined;
}

/** Where a server listens. */
export type ServerAddress =
  | { readonly socketPath: string }
  | { readonly host: string; readonly port: number };

/** A running sandbox server. */
export interface Server {
  /** Tokens are made for this id: no two sandboxes' servers ever have the same. */
  readonly id: string;
  /** Where it listens. Only engines make addresses: nothing a sandbox says becomes one. */
  readonly address: ServerAddress;
  /** Settles when the server has ended, with the reason in words. Never rejects. */
  readonly ended: Promise<string>;
}

/** A sandbox that the engine keeps: with a server, or only its files. */
export interface Kept extends Claim {
  readonly createdAt: Date;
  readonly server: Server | undefined;
}

/** A sandbox that was claimed: with a server, and in `warnings` what of the claim is not so, each in a sentence. */
export interface Claimed extends Kept {
  readonly server: Server;
  readonly warnings: readonly string[];
  /** True when it was there before, with a server: another caller or another gateway made it. */
  readonly adopted?: boolean;
}

/** Which lines of a log are asked for. */
export interface LogOptions {
  /** Only the last ones, so many at most. */
  readonly tailLines: number | undefined;
  /** Only from this time on, in milliseconds since 1970. */
  readonly sinceMs: number | undefined;
  /** Goes on with those that come, until the sandbox is released. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** Whether a claim could be served now, and what may answer the probe meanwhile. */
export type Readiness =
  | { readonly ready: true; readonly probe: Server | undefined }
  | { readonly ready: false; readonly reason: string };

/** Why a sandbox does not serve yet, and what to do about it. */
export interface Delay {
  readonly reason: string;
  readonly hint: string;
}

/** Told what becomes of sandboxes that several gateways share. */
export interface Observer {
  /** There is a sandbox, or it is another than it was. */
  changed(kept: Kept): void;
  /** There is none of that name any more, for the reason in words. */
  gone(name: SandboxName, reason: string): void;
}

/** What an engine offers whose sandboxes several gateways share. Its servers outlive every gateway. */
export interface Shared {
  /** Tells of all changes from now on, also of those that this gateway made. */
  observe(observer: Observer): void;
  /**
   * Asks the place where sandboxes are kept, not memory: another gateway may just have made it.
   *
   * @throws {Fault} `engine_unavailable`.
   */
  find(name: SandboxName): Promise<Kept | undefined>;
  /** The same for the sandboxes of an id, whosever they are. Many questions at once are one. */
  findById(id: string): Promise<readonly Kept[]>;
  /** Whether this gateway is the one that ends sandboxes whose time is over. */
  readonly isLeader: boolean;
  /** Whether an address is a sandbox's own. */
  isSandbox(address: string): boolean;
  /** The kinds of sandboxes that can be asked for now, besides those that the configuration names. */
  readonly templates: readonly string[];
  /** What is wrong with the start of a sandbox; undefined while it only takes its time, or serves. */
  delayOf(claim: Claim): Delay | undefined;
  /** Whether new sandboxes are made otherwise than this one was, and one of them waits to take its place. */
  isOutdated(name: SandboxName): boolean;
}

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
   * is claimed gets what it has, whatever else the claim says, also when many callers claim it at once.
   *
   * @throws {Fault} `sandbox_failed`.
   */
  claim(claim: Claim): Promise<Claimed>;
  /** Writes down the notes of a claimed sandbox, in place of those it had. A name that is not there is no error. */
  annotate(name: SandboxName, notes: Notes): Promise<void>;
  /**
   * The log of a claimed sandbox, some lines at a time: what its server printed, and what became of it. A line is a time,
   * a source (`life` or `server`) and a text. Empty for a name that is not there.
   */
  logs(name: SandboxName, options: LogOptions): AsyncIterable<string>;
  /** The claimed sandboxes, from memory. */
  list(): readonly Kept[];
  /**
   * Ends a sandbox and deletes its files. A name that is not there is no error. A claim that was begun before is ended
   * with it, one that is begun later gets a new sandbox.
   */
  release(name: SandboxName): Promise<void>;
  readiness(): Readiness;
  /** Present when several gateways share the sandboxes. */
  readonly shared?: Shared;
  /** What operators should know of how sandboxes run here, such as the kind of network. */
  readonly facts: Readonly<Record<string, string>>;
  /**
   * Ends every server, unless sandboxes are shared, and keeps the files of claimed ones. Claims that were begun before end
   * first, later ones are refused.
   */
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
