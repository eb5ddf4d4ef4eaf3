import type { Operation } from '@paddock/protocol';
import { failureBody, invalidBody } from '@paddock/protocol/envelope';
import { errorCatalogue } from '@paddock/protocol/errors';
import { onFirstUse } from '@paddock/protocol/operation';
import * as z from 'zod/mini';
import { PaddockError } from './error.ts';

/** What an operation answered: its data, and what the server had to say about it. */
export interface Answer<Data> {
  readonly data: Data;
  readonly message?: string | undefined;
  /** Something the caller should know, such as that a restart lost the session. */
  readonly hint?: string | undefined;
}

/** An answer as it arrived. */
interface Received {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** Has ready what reads an answer: made while the answer is on its way, it costs nobody time. */
export function expectAnswer(row: Operation): void {
  if (row.answer === 'envelope') envelope();
  void row.response;
}

/** @throws PaddockError for a failure that came with status 200, and for a body that is none of the API's. */
export function readAnswer(row: Operation, place: string, received: Received): Answer<unknown> {
  const body = parseJson(place, received);
  if (row.answer === 'plain') return { data: fit(row.response, body, place, received.status) };
  const { success, message, hint, data } = fit(envelope(), body, place, received.status);
  if (!success) {
    throw new PaddockError('operation_failed', message ?? `${place} failed`, {
      hint: hint ?? 'The message and data say why.',
      status: received.status,
      data,
    });
  }
  const answer = fit(row.response, data ?? {}, place, received.status);
  return { data: answer, message: message ?? undefined, hint: hint ?? undefined };
}

/** True for the statuses of success. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status <= 299;
}

/** The failure that an answer with another status tells of. */
export function failure(place: string, received: Received & { readonly retryAfter: string }): PaddockError {
  const { status, retryAfter } = received;
  const body = parseJson(place, received);
  const invalid = invalidBody().safeParse(body);
  if (status === 422 && invalid.success) {
    const details = invalid.data.detail;
    const fields = details.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; ');
    return new PaddockError('invalid_request', `the request does not fit: ${fields}`, {
      hint: errorCatalogue.invalid_request.todo,
      status,
      details,
    });
  }
  const retryAfterMs = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : undefined;
  return (
    readFailure(body, { status, retryAfterMs }) ??
    new PaddockError('unexpected_answer', `${place} answered ${status}`, {
      hint: 'Check that the URL is that of a Paddock gateway or sandbox.',
      status,
      data: body,
    })
  );
}

/** The failure that a body of the API tells of; undefined for any other body. */
export function readFailure(
  body: unknown,
  met: { readonly status?: number; readonly retryAfterMs?: number | undefined } = {},
): PaddockError | undefined {
  const failed = failureBody().safeParse(body);
  if (!failed.success) return undefined;
  const { code, message, hint, data } = failed.data;
  return new PaddockError(code, message, { hint, data, ...met });
}

/** @throws PaddockError when the body is not what the schema says. */
export function fit<Schema extends z.ZodMiniType>(
  schema: Schema,
  body: unknown,
  place: string,
  status: number,
): z.output<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues
    .map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`)
    .join('; ');
  throw new PaddockError('unexpected_answer', `${place} was done, but its answer does not fit: ${wrong}`, {
    hint: 'Client and server may be of different releases: compare their versions.',
    status,
    cause: parsed.error,
  });
}

const envelope = onFirstUse(() =>
  z.object({
    success: z.boolean(),
    message: z.nullish(z.string()),
    hint: z.nullish(z.string()),
    data: z.unknown(),
  }),
);

function parseJson(place: string, { status, contentType, text }: Received): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const kind = contentType.split(';')[0] || 'no content type';
    throw new PaddockError('unexpected_answer', `${place} answered ${status} with ${kind} instead of JSON`, {
      hint: 'Check that the URL is that of a Paddock gateway or sandbox.',
      status,
      cause,
    });
  }
}
