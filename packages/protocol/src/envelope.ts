/** The bodies that answers have: one for success, one for failure, one for a request that does not fit. */
import * as z from 'zod/mini';
import { field, maybe } from './fields.ts';
import { onFirstUse } from './operation.ts';

/** Wraps an operation's response in the envelope of the AIO API. */
export function enveloped<Data extends z.ZodMiniType>(data: Data) {
  return z.object({
    success: field(z.boolean(), 'True when the operation did what was asked.'),
    message: maybe(z.string(), 'The result in words.'),
    data: z.nullish(data),
    hint: maybe(z.string(), 'Something the caller should know, written for an agent to read.'),
  });
}

/** The body of every failure but 422. */
export const failureBody = onFirstUse(() =>
  z.object({
    success: z.literal(false),
    message: field(z.string(), 'What happened.'),
    data: field(z.unknown(), 'Details for programs, or null.'),
    code: field(z.string(), 'The code of the failure in the error catalogue.'),
    hint: field(z.string(), 'What to do about it.'),
  }),
);
export type FailureBody = z.output<ReturnType<typeof failureBody>>;

/** The body of 422: the one shape that published clients can read. */
export const invalidBody = onFirstUse(() =>
  z.object({
    detail: z.array(
      z.object({ loc: z.array(z.union([z.string(), z.int()])), msg: z.string(), type: z.string() }),
    ),
  }),
);
export type InvalidBody = z.output<ReturnType<typeof invalidBody>>;
