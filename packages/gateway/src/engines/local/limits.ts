/** What one sandbox may use; 0 is no limit. */
export interface Limits {
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly processes: number;
}

/** What the kernel can be told to limit. */
export const controllers = ['memory', 'cpu', 'pids'] as const;
export type Controller = (typeof controllers)[number];

/** A program with its arguments, to which those of what it becomes are added, and the variables that it needs itself. */
export interface Launcher {
  readonly line: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Starts things as they are. */
export const directly: Launcher = { line: [], env: {} };

/** What keeps servers within their limits. */
export interface Limiter {
  /** The controllers that are there, for what operators are told. */
  readonly controllers: readonly Controller[];
  /** What is to start the server and become it. */
  launcher(id: string, limits: Limits): Launcher;
  /** The group of one server, with its limits set. */
  group(id: string, limits: Limits): Group;
  /** To be called once the groups of all servers are gone. */
  close(): void;
}

/** What one server and all that it starts is in and cannot leave. */
export interface Group {
  /** Takes a process in. What it has started before stays where it is. */
  add(pid: number): void;
  /** The processes in it. */
  members(): number[];
  /** Whether the kernel had to kill one of the processes for want of memory. */
  readonly ranOutOfMemory: boolean;
  /** Removes the group, once its processes are gone. */
  remove(): Promise<void>;
}
