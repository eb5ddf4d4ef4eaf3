/** The provisioner API: how a backend creates, finds and ends the sandboxes of its conversations. */
import * as z from 'zod/mini';
import { field, maybe, nothing, sandboxId, seconds, templateName, text } from './fields.ts';
import { downloadOperation, type OperationTable, operation } from './operation.ts';

/** Backends destroy a sandbox whose status is not exactly `Running`, so a fault of ours is never one of these. */
const statuses = ['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown', 'NotFound'] as const;

const metadataKey = () => z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9_./-]{0,63}$/));
const metadataValue = () => text().check(z.maxLength(256));

/** How many entries the metadata of a sandbox may have. */
export const metadataLimit = 32;
const tooMuchMetadata = `must have at most ${metadataLimit} entries`;

const threadId = () => z.string().check(z.regex(/^[A-Za-z0-9_-]{1,64}$/));
const userId = () => text().check(z.maxLength(256));

const provisioned = () =>
  z.object({
    sandbox_id: z.string(),
    sandbox_url: field(z.string(), 'The base URL of this sandbox for the AIO API.'),
    status: z.enum(statuses),
    reason: maybe(z.string(), 'What is wrong with its start, while it does not serve and that is known.'),
    program_url: maybe(
      z.string(),
      'Where a program that listens in it is, on an origin of its own, once {port} is replaced. Not in lists without a filter; absent where programDomain does not fit the address that was used.',
    ),
    template: maybe(z.string(), 'The template it was made from, where one was named.'),
    metadata: maybe(z.record(z.string(), z.string()), 'What was set; absent while there is none.'),
    warnings: maybe(z.array(z.string()), 'What was asked for and is not so.'),
    thread_id: maybe(
      z.string(),
      'As given at its creation. In lists with a filter, and in what PATCH answers.',
    ),
    user_id: maybe(z.string(), 'The same.'),
    created_at: maybe(z.string(), 'The same, as are the times below.'),
    idle_seconds: maybe(z.number(), 'Seconds without use after which it is released; 0 is never.'),
    expires_at: maybe(z.string(), 'When it is released if nobody uses it any more; absent: never.'),
  });
export type Provisioned = z.output<ReturnType<typeof provisioned>>;

const byId = () => z.object({ sandbox_id: field(sandboxId(), 'The sandbox.') });

const mount = () =>
  z.object({
    host_path: text(),
    container_path: text(),
    read_only: z.optional(z.boolean()),
  });

/** A number that comes as text where it stands in a query. */
const pageSize = () =>
  z.pipe(
    z.union([z.int(), z.string().check(z.regex(/^\d{1,9}$/))]),
    z.pipe(z.transform(Number), z.int().check(z.gte(1), z.lte(1_000))),
  );

const lineCount = () =>
  z.pipe(z.union([z.int(), z.string().check(z.regex(/^\d{1,9}$/))]), z.pipe(z.transform(Number), z.int()));

export const provisioner = {
  service: {
    health: operation({
      method: 'GET',
      path: '/health',
      summary: 'Whether the gateway serves.',
      request: nothing,
      response: () => z.object({ status: z.literal('ok') }),
      answer: 'plain',
      errors: ['draining'],
    }),
    capabilities: operation({
      method: 'GET',
      path: '/api/capabilities',
      summary: 'Which optional parts of the provisioner API are offered.',
      request: nothing,
      response: () => z.record(z.string(), z.boolean()),
      answer: 'plain',
    }),
  },
  sandboxes: {
    create: operation({
      method: 'POST',
      path: '/api/sandboxes',
      summary: 'Create a sandbox, or find the one of that id.',
      request: () =>
        z.object({
          sandbox_id: field(sandboxId(), 'The id, chosen by the caller.'),
          thread_id: maybe(threadId(), 'The conversation it is for.'),
          user_id: maybe(userId(), 'The user it is for.'),
          template: maybe(
            templateName(),
            'The kind of sandbox, as the setting templates names it or, on Kubernetes, the label of a Deployment.',
          ),
          metadata: maybe(
            z
              .record(metadataKey(), metadataValue())
              .check(z.refine((map) => Object.keys(map).length <= metadataLimit, tooMuchMetadata)),
            'Names and values of your own, by which lists can be filtered: at most 32, of 64 and 256 characters.',
          ),
          extra_mounts: maybe(
            z.array(mount()).check(z.maxLength(10)),
            'Host folders to show in it. Those that the configuration does not allow are left out and named in warnings.',
          ),
        }),
      response: provisioned,
      answer: 'plain',
      errors: [
        'template_unknown',
        'sandbox_limit',
        'pool_empty',
        'sandbox_starting',
        'sandbox_failed',
        'draining',
      ],
    }),
    list: operation({
      method: 'GET',
      path: '/api/sandboxes',
      summary:
        "The caller's sandboxes that serve. Any field below makes it a list of pages with all details, also of those that do not.",
      request: () =>
        z.object({
          status: maybe(
            z.enum([...statuses, 'any']),
            'Only those of that status; any when another field is given.',
          ),
          metadata: maybe(
            z.string(),
            'Only those whose metadata has all of these, written as a query is: user=ada&app=mail, encoded once more.',
          ),
          template: maybe(z.string(), 'Only those of that template.'),
          thread_id: maybe(z.string(), 'Only those created for that conversation.'),
          user_id: maybe(z.string(), 'Only those created for that user.'),
          limit: maybe(pageSize(), 'How many a page may have, at most 1000; 100 when absent.'),
          after: maybe(z.string(), 'Only those behind this id: next of the page before.'),
        }),
      response: () =>
        z.object({
          sandboxes: z.array(provisioned()),
          count: field(z.int(), 'How many this answer has.'),
          total: maybe(z.int(), 'How many fit, on all pages.'),
          next: maybe(z.string(), 'What after is to be for the next page; absent on the last.'),
        }),
      answer: 'plain',
    }),
    get: operation({
      method: 'GET',
      path: '/api/sandboxes/{sandbox_id}',
      summary: 'One sandbox, once it serves: a stopped one is started again.',
      request: byId,
      response: provisioned,
      answer: 'plain',
      errors: ['sandbox_not_found', 'engine_unavailable', 'sandbox_starting', 'sandbox_failed', 'draining'],
    }),
    change: operation({
      method: 'PATCH',
      path: '/api/sandboxes/{sandbox_id}',
      summary: 'Change how long a sandbox is kept, or its metadata. It is not started by that.',
      request: () =>
        z.object({
          sandbox_id: field(sandboxId(), 'The sandbox.'),
          expires_at: maybe(
            z.iso.datetime({ offset: true }),
            'When to release it if it is not used any more. At most its creation plus maxLifeSeconds: what is later is cut, and warnings say so.',
          ),
          extend_seconds: maybe(seconds().check(z.lte(31_536_000)), 'The same as expires_at, from now on.'),
          idle_seconds: maybe(
            seconds().check(z.lte(31_536_000)),
            'Release it after so long without use, in place of the configured time; 0: not for want of use.',
          ),
          metadata: maybe(
            z.record(metadataKey(), z.nullable(metadataValue())),
            'Entries to set; null removes one. The others stay.',
          ),
        }),
      response: provisioned,
      answer: 'plain',
      errors: ['sandbox_not_found', 'engine_unavailable', 'draining'],
    }),
    logs: downloadOperation({
      method: 'GET',
      path: '/api/sandboxes/{sandbox_id}/logs',
      summary:
        "What a sandbox's server printed and what became of it, as lines of text: a time, its source, what it said. The sandbox is not started by that.",
      request: () =>
        z.object({
          sandbox_id: field(sandboxId(), 'The sandbox.'),
          tail: maybe(lineCount(), 'Only the last lines, so many at most.'),
          since: maybe(z.iso.datetime({ offset: true }), 'Only lines from this time on.'),
          follow: maybe(z.enum(['true', 'false']), 'Go on with what comes, until the sandbox is released.'),
        }),
      errors: ['sandbox_not_found', 'engine_unavailable'],
    }),
    release: operation({
      method: 'DELETE',
      path: '/api/sandboxes/{sandbox_id}',
      summary: 'End a sandbox and delete its files. One that is gone already is no error.',
      request: () =>
        z.object({
          sandbox_id: field(sandboxId(), 'The sandbox.'),
          wait: maybe(z.enum(['true', 'false']), 'Answer only once all of it is gone: true, as when absent.'),
        }),
      response: () => z.object({ ok: z.boolean(), sandbox_id: z.string() }),
      answer: 'plain',
      errors: ['engine_unavailable'],
    }),
  },
} satisfies OperationTable;
