import type { IncomingHttpHeaders } from 'node:http';
import {
  type DownloadOperation,
  type FormOperation,
  type InputOf,
  type Operation,
  type OperationGroup,
  pathParameters,
  type ResponseOf,
} from '@paddock/protocol';
import type { Answer, BytesAnswer } from './answer.ts';
import type { Form } from './form.ts';

/** What a handler knows of the request besides its input. */
export interface Call {
  /** Aborted when the client has gone before the answer was complete. */
  readonly signal: AbortSignal;
  readonly headers: IncomingHttpHeaders;
  /** The request target as it was sent: path and query. */
  readonly target: string;
  /** Whether the Accept header names this media type. */
  accepts(mediaType: string): boolean;
}

/** Carries out one operation. */
export type Handler<Op extends Operation> = (
  input: Op extends FormOperation ? Form : InputOf<Op>,
  call: Call,
) => AnswerTo<Op> | Promise<AnswerTo<Op>>;

type AnswerTo<Op extends Operation> = Op extends DownloadOperation ? BytesAnswer : Answer<ResponseOf<Op>>;

/** A handler for every operation of a group: a missing one does not compile, and does not start either. */
export type Handlers<Group extends OperationGroup> = { readonly [Name in keyof Group]: Handler<Group[Name]> };

// Handlers are stored without their types; `parseInput` gives each the input that its own row describes.
type AnyHandler = (input: never, call: Call) => unknown;

interface Route {
  readonly row: Operation;
  readonly handler: AnyHandler;
}

interface Match extends Route {
  /** Path parameters, decoded. */
  readonly params: Readonly<Record<string, string>>;
}

/** Which handler answers a method and path. */
export class Routes {
  readonly #exact = new Map<string, Route>();
  readonly #patterns: { pattern: RegExp; names: string[]; method: string; route: Route }[] = [];

  /**
   * Registers a capability.
   *
   * @throws {Error} when a handler is missing or a method and path are taken: the program must not start then.
   */
  add<Group extends OperationGroup>(group: Group, handlers: Handlers<Group>): this {
    for (const [name, row] of Object.entries(group)) {
      const handler: AnyHandler | undefined = handlers[name];
      if (!handler) throw new Error(`no handler for operation "${name}" (${row.method} ${row.path})`);
      this.#register(row, { row, handler });
    }
    return this;
  }

  #register(row: Operation, route: Route): void {
    const names = pathParameters(row.path);
    const key = `${row.method} ${row.path}`;
    if (this.#exact.has(key)) throw new Error(`two operations for ${key}`);
    this.#exact.set(key, route);
    if (names.length === 0) return;
    const pattern = new RegExp(`^${row.path.replaceAll(/[.]/g, '\\$&').replaceAll(/\{\w+\}/g, '([^/]+)')}$`);
    this.#patterns.push({ pattern, names, method: row.method, route });
  }

  /** The route for a method and a path as it was sent, or undefined. HEAD is answered as GET. */
  find(method: string, path: string): Match | undefined {
    const wanted = method === 'HEAD' ? 'GET' : method;
    const exact = this.#exact.get(`${wanted} ${path}`);
    if (exact && !path.includes('{')) return { ...exact, params: {} };
    for (const { pattern, names, method: offered, route } of this.#patterns) {
      const values = offered === wanted ? pattern.exec(path)?.slice(1) : undefined;
      const params = values && decodeAll(names, values);
      if (params) return { ...route, params };
    }
    return undefined;
  }
}

function decodeAll(names: string[], values: string[]): Record<string, string> | undefined {
  try {
    return Object.fromEntries(names.map((name, i) => [name, decodeURIComponent(values[i] ?? '')]));
  } catch {
    return undefined; // A malformed escape names nothing.
  }
}
