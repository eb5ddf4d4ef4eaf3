/** What a handler gives back: the bare response, a reply with more to say, or a stream of events. */

/** A response with what the envelope and the headers carry beside it. */
export interface Reply<Response> {
  readonly kind: 'reply';
  readonly data: Response;
  /** Something the caller should know, written for an agent to read. */
  readonly hint?: string | undefined;
  readonly message?: string | undefined;
}

/** One server-sent event. `data` is sent as JSON. */
export interface ServerEvent {
  readonly event: string;
  readonly data: unknown;
  readonly id?: string;
}

interface EventStream {
  readonly kind: 'stream';
  readonly events: AsyncIterable<ServerEvent>;
}

/** Content that is not JSON. Disposing of it, which happens whether or not it was sent, frees what it comes from. */
export interface BytesAnswer extends AsyncDisposable {
  readonly kind: 'bytes';
  readonly status: 200 | 206 | 304;
  readonly headers: Readonly<Record<string, string | number>>;
  /** A chunk has been sent once the next is asked for: its memory may be used again then. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** Everything a handler may return. */
export type Answer<Response> = Response | Reply<Response> | EventStream;

/** A response with a hint or message. */
export function reply<Response>(
  data: Response,
  more: { hint?: string | undefined; message?: string | undefined },
): Reply<Response> {
  return { kind: 'reply', data, ...more };
}

/** A stream of server-sent events. Its iterator is ended when the client goes away. */
export function stream(events: AsyncIterable<ServerEvent>): EventStream {
  return { kind: 'stream', events };
}

/** True for what `stream` made. */
export function isStream(answer: unknown): answer is EventStream {
  return hasKind(answer, 'stream');
}

/** True for content that is not JSON. */
export function isBytes(answer: unknown): answer is BytesAnswer {
  return hasKind(answer, 'bytes') && Symbol.asyncDispose in Object(answer);
}

/** True for what `reply` made. */
export function isReply(answer: unknown): answer is Reply<unknown> {
  return hasKind(answer, 'reply');
}

function hasKind(answer: unknown, kind: string): boolean {
  return typeof answer === 'object' && answer !== null && 'kind' in answer && answer.kind === kind;
}
