/** What the gateway alone may ask of a sandbox server. None of it is ever routed from outside. */
import * as z from 'zod/mini';
import { field, maybe, nothing, sandboxId, text } from './fields.ts';
import { type OperationTable, operation } from './operation.ts';

/** The header that carries the gateway's token to a sandbox server. */
export const tokenHeader = 'x-paddock-token';

/** The header of an answer that names the server's start: it changes when a restart lost all sessions. */
export const bootIdHeader = 'x-paddock-boot-id';

const bindRequest = () =>
  z.object({
    name: field(
      z.string().check(z.regex(/^[0-9a-f]{32}$/)),
      'The hash of owner and id that names the sandbox.',
    ),
    sandbox_id: field(sandboxId(), 'The id as the caller chose it.'),
    env: field(z.record(text(), text()), 'Variables that commands get.'),
    notice: maybe(
      text(),
      'What the caller should know of how this sandbox came to be: the first answer carries it as its hint.',
    ),
    files: field(
      z.array(z.object({ path: text(), content: z.string(), mode: z.int() })),
      'Files to write first; content in base64.',
    ),
  });
export type BindRequest = z.input<ReturnType<typeof bindRequest>>;

export const control = {
  server: {
    bind: operation({
      method: 'POST',
      path: '/bind',
      summary:
        'Make this server the one of a sandbox. The same call again is answered the same; another is refused.',
      request: bindRequest,
      response: () => z.object({ boot_id: field(z.string(), 'A new one at every start of the server.') }),
      answer: 'plain',
      errors: ['bound_to_another', 'token_refused'],
    }),
    activity: operation({
      method: 'GET',
      path: '/activity',
      summary: 'For how long nothing has happened in the sandbox.',
      request: nothing,
      response: () =>
        z.object({
          idle_seconds: field(
            z.number(),
            'Since the last request or command ended; 0 while one is under way.',
          ),
        }),
      answer: 'plain',
      errors: ['not_bound', 'token_refused'],
    }),
  },
} satisfies OperationTable;
