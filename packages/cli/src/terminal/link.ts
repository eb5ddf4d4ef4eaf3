import * as z from 'zod/mini';

/** What a terminal's session tells. */
export interface Heard {
  /** The session is there, under this id. */
  ready(sessionId: string): void;
  output(text: string): void;
}

/** How a link to a session ended: by this side, or by the other with its reason. */
export type LinkEnd =
  | { readonly by: 'us' }
  | { readonly by: 'session'; readonly why: string }
  | { readonly by: 'refusal'; readonly why: string }
  | { readonly by: 'fault' };

/** The WebSocket to a session's terminal. */
export class Link implements Disposable {
  readonly #socket: WebSocket;
  readonly ended: Promise<LinkEnd>;
  #silence: NodeJS.Timeout | undefined;
  #isOurs = false;
  #why = '';

  constructor(url: URL, headers: Record<string, string>, heard: Heard) {
    this.#socket = new WebSocket(url, { headers });
    let sessionId = '';
    this.#socket.addEventListener('message', ({ data }) => {
      this.#silence?.refresh();
      const told = parse(data);
      if (told?.type === 'session_id') sessionId = told.data;
      else if (told?.type === 'ready') heard.ready(sessionId);
      else if (told?.type === 'output') heard.output(told.data);
      else if (told?.type === 'ping') this.#send({ type: 'pong', timestamp: told.timestamp });
      else if (told?.type === 'error') this.#why = told.data;
    });
    this.ended = new Promise((resolve) => {
      this.#silence = setTimeout(() => {
        resolve({ by: 'fault' });
        this.#socket.close();
      }, silenceLimitMs);
      this.#socket.addEventListener('close', ({ code }) => {
        clearTimeout(this.#silence);
        resolve(this.#endOf(code));
      });
      // It is followed by a close, which tells as much.
      this.#socket.addEventListener('error', () => {});
    });
  }

  type(input: string): void {
    this.#send({ type: 'input', data: input });
  }

  resize(columns: number, rows: number): void {
    this.#send({ type: 'resize', data: { cols: columns, rows } });
  }

  /** Leaves the session as it is. */
  [Symbol.dispose](): void {
    this.#isOurs = true;
    clearTimeout(this.#silence);
    this.#socket.close(1000);
  }

  #send(message: object): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #endOf(code: number): LinkEnd {
    if (this.#isOurs) return { by: 'us' };
    if (code === normalClosure) return { by: 'session', why: this.#why };
    return code === policyViolation ? { by: 'refusal', why: this.#why } : { by: 'fault' };
  }
}

/** The server pings every 30 seconds: a network that has gone says nothing of it. */
const silenceLimitMs = 75_000;

const normalClosure = 1000;
const policyViolation = 1008;

/** `TerminalOutput` of the protocol, as it is checked. */
const message = z.discriminatedUnion('type', [
  z.object({ type: z.literal('session_id'), data: z.string() }),
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('output'), data: z.string() }),
  z.object({ type: z.literal('error'), data: z.string() }),
  z.object({ type: z.literal('ping'), timestamp: z.number() }),
]);

/** Undefined for what is no message of the protocol: a sandbox may send anything. */
function parse(data: unknown): z.output<typeof message> | undefined {
  try {
    return message.safeParse(JSON.parse(String(data))).data;
  } catch {
    return undefined;
  }
}
