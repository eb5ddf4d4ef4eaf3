/**
 * One operation of an HTTP API is one row. Server, client and OpenAPI document are all read from it, so that
 * no path, field or error is written down a second time.
 */
import * as z from 'zod/mini';
import type { ErrorCode } from './errors.ts';

/** The HTTP methods that operations use. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A schema whose value is an object of named fields. */
export type ObjectSchema = z.ZodMiniObject;

/**
 * A row of an operation table.
 *
 * Where a request field travels follows from the row: names in `{braces}` of the path are taken from the path, the
 * others from the query for GET and DELETE, from the JSON body else.
 */
export interface Operation<Request extends ObjectSchema = ObjectSchema, Response = z.ZodMiniType> {
  readonly method: Method;
  /** The path, with `{name}` for parameters. */
  readonly path: string;
  readonly summary: string;
  readonly request: Request;
  readonly response: Response;
  /** `form`: the request is multipart/form-data, whose fields and files the handler takes as they arrive. */
  readonly body?: 'form';
  /**
   * `envelope`: `{success, message, data}` around the response. `plain`: the response is the whole body. `bytes`: the body
   * is content of any type and size, and no JSON.
   */
  readonly answer: 'envelope' | 'plain' | 'bytes';
  /** Server-sent events are offered to a caller that accepts `text/event-stream`. */
  readonly stream?: true;
  /** What it may answer besides the errors that every operation shares. */
  readonly errors: readonly ErrorCode[];
}

/** Operations of one capability by their name. */
export type OperationGroup = Readonly<Record<string, Operation>>;

/** A whole API: capabilities by name, each with its operations. */
export type OperationTable = Readonly<Record<string, OperationGroup>>;

/** What a caller passes: every field of path, query and body in one object. */
export type RequestOf<Op extends Operation> = z.input<Op['request']>;

/** What a handler gets: the same, checked and with defaults filled in. */
export type InputOf<Op extends Operation> = z.output<Op['request']>;

/** What an operation gives: `data` of an enveloped answer, else the whole body. */
export type ResponseOf<Op extends Operation> = z.output<Op['response']>;

/** As a row is declared: a schema is made when it is first asked for, since most programs ask for few. */
type Row<Request extends ObjectSchema, Response extends z.ZodMiniType> = Omit<
  Operation,
  'request' | 'response' | 'answer' | 'errors'
> &
  Partial<Pick<Operation, 'answer' | 'errors'>> & {
    readonly request: () => Request;
    readonly response: () => Response;
  };

/** Declares a row: enveloped and with no errors of its own unless it says otherwise. */
export function operation<Request extends ObjectSchema, Response extends z.ZodMiniType>({
  request,
  response,
  ...row
}: Row<Request, Response>): Operation<Request, Response> {
  const [requestOnce, responseOnce] = [onFirstUse(request), onFirstUse(response)];
  return {
    answer: 'envelope',
    errors: [],
    ...row,
    get request() {
      return requestOnce();
    },
    get response() {
      return responseOnce();
    },
  };
}

/** Has something made when it is first asked for: most programs ask for few schemas. */
export function onFirstUse<Made>(make: () => Made): () => Made {
  let made: { readonly value: Made } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** A row whose request is multipart/form-data. */
export type FormOperation<Request extends ObjectSchema = ObjectSchema, Response = z.ZodMiniType> = Operation<
  Request,
  Response
> & { readonly body: 'form' };

/** Declares a row whose request is multipart/form-data: fields that are a Blob travel as files. */
export function formOperation<Request extends ObjectSchema, Response extends z.ZodMiniType>(
  row: Row<Request, Response>,
): FormOperation<Request, Response> {
  return Object.assign(operation(row), { body: 'form' as const });
}

/** What an answer of bytes is to a program: its chunks as they arrive. */
type Bytes = z.ZodMiniCustom<AsyncIterable<Uint8Array>, AsyncIterable<Uint8Array>>;

/** A row that answers with bytes. */
export type DownloadOperation<Request extends ObjectSchema = ObjectSchema> = Operation<Request, Bytes> & {
  readonly answer: 'bytes';
};

/** Declares a row that answers with bytes. */
export function downloadOperation<Request extends ObjectSchema>(
  row: Omit<Row<Request, Bytes>, 'response' | 'answer'>,
): DownloadOperation<Request> {
  const response = (): Bytes => z.custom((value) => isAsyncIterable(value));
  return Object.assign(operation({ ...row, response }), { answer: 'bytes' as const });
}

function isAsyncIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/** A row that offers events to a caller that accepts `text/event-stream`. */
export type StreamOperation<
  Request extends ObjectSchema = ObjectSchema,
  Response = z.ZodMiniType,
> = Operation<Request, Response> & { readonly stream: true };

/** Declares a row that offers events: output as it comes, then the response. */
export function streamOperation<Request extends ObjectSchema, Response extends z.ZodMiniType>(
  row: Omit<Row<Request, Response>, 'stream'>,
): StreamOperation<Request, Response> {
  return Object.assign(operation(row), { stream: true as const });
}

/** The names of the parameters in an operation's path, in order. */
export function pathParameters(path: string): string[] {
  return Array.from(path.matchAll(/\{(\w+)\}/g), (match) => match[1] ?? '');
}

/** Where the fields that are not in the path travel. */
export function fieldsTravelIn(method: Method): 'query' | 'body' {
  return method === 'GET' || method === 'DELETE' ? 'query' : 'body';
}
