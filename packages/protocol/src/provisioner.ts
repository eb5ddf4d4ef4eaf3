/** The provisioner API: how a backend creates, finds and ends the sandboxes of its conversations. */
import * as z from 'zod/mini';
import { field, maybe, nothing, sandboxId, text } from './fields.ts';
import { type OperationTable, operation } from './operation.ts';

/** Backends destroy a sandbox whose status is not exactly `Running`, so a fault of ours is never one of these. */
const status = z.enum(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown', 'NotFound']);

const provisioned = z.object({
  sandbox_id: z.string(),
  sandbox_url: field(z.string(), 'The base URL of this sandbox for the AIO API.'),
  status,
  warnings: maybe(z.array(z.string()), 'What was asked for and left out.'),
});
export type Provisioned = z.output<typeof provisioned>;

const byId = z.object({ sandbox_id: field(sandboxId(), 'The sandbox.') });

const mount = z.object({
  host_path: text(),
  container_path: text(),
  read_only: z.optional(z.boolean()),
});

export const provisioner = {
  service: {
    health: operation({
      method: 'GET',
      path: '/health',
      summary: 'Whether the gateway serves.',
      request: nothing,
      response: z.object({ status: z.literal('ok') }),
      answer: 'plain',
      errors: ['draining'],
    }),
    capabilities: operation({
      method: 'GET',
      path: '/api/capabilities',
      summary: 'Which optional parts of the provisioner API are offered.',
      request: nothing,
      response: z.record(z.string(), z.boolean()),
      answer: 'plain',
    }),
  },
  sandboxes: {
    create: operation({
      method: 'POST',
      path: '/api/sandboxes',
      summary: 'Create a sandbox, or find the one of that id.',
      request: z.object({
        sandbox_id: field(sandboxId(), 'The id, chosen by the caller.'),
        thread_id: maybe(z.string().check(z.regex(/^[A-Za-z0-9_-]{1,64}$/)), 'The conversation it is for.'),
        user_id: maybe(z.string(), 'The user it is for.'),
        extra_mounts: maybe(
          z.array(mount).check(z.maxLength(10)),
          'Host folders to show in it. Those that the configuration does not allow are left out and named in warnings.',
        ),
      }),
      response: provisioned,
      answer: 'plain',
      errors: ['sandbox_limit', 'sandbox_starting', 'sandbox_failed', 'draining'],
    }),
    list: operation({
      method: 'GET',
      path: '/api/sandboxes',
      summary: "The caller's sandboxes.",
      request: nothing,
      response: z.object({ sandboxes: z.array(provisioned), count: z.int() }),
      answer: 'plain',
    }),
    get: operation({
      method: 'GET',
      path: '/api/sandboxes/{sandbox_id}',
      summary: 'One sandbox, once it serves.',
      request: byId,
      response: provisioned,
      answer: 'plain',
      errors: ['sandbox_not_found', 'sandbox_starting'],
    }),
    release: operation({
      method: 'DELETE',
      path: '/api/sandboxes/{sandbox_id}',
      summary: 'End a sandbox and delete its files. One that is gone already is no error.',
      request: byId,
      response: z.object({ ok: z.boolean(), sandbox_id: z.string() }),
      answer: 'plain',
    }),
  },
} satisfies OperationTable;
