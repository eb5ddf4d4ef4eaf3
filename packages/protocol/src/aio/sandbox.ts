import * as z from 'zod/mini';
import { field, maybe, nothing } from '../fields.ts';
import { operation } from '../operation.ts';

const tool = () =>
  z.object({
    ver: maybe(z.string(), 'Its version.'),
    bin: maybe(z.string(), 'Where it lies.'),
    alias: field(z.array(z.string()), 'Other names it answers to.'),
  });

/** What `GET /v1/sandbox` answers. Published clients refuse a body that lacks any required part of it. */
export const sandboxContext = () =>
  z.object({
    success: z.boolean(),
    message: z.string(),
    data: z.nullable(z.string()),
    home_dir: field(z.string(), 'The home folder of the user that commands run as.'),
    workspace: field(z.string(), 'The folder that commands start in.'),
    version: field(z.string(), 'The version of the sandbox server.'),
    detail: z.object({
      system: z.object({
        os: z.string(),
        os_version: z.string(),
        arch: z.string(),
        user: z.string(),
        home_dir: z.string(),
        workspace: z.string(),
        timezone: z.string(),
        occupied_ports: z.array(z.string()),
      }),
      runtime: z.object({ python: z.array(tool()), nodejs: z.array(tool()) }),
      utils: z.array(
        z.object({
          category: z.string(),
          tools: z.array(z.object({ name: z.string(), description: z.string() })),
        }),
      ),
    }),
  });
export type SandboxContext = z.output<ReturnType<typeof sandboxContext>>;

const packages = () => z.array(z.object({ name: z.string(), version: z.string() }));

export const sandbox = {
  context: operation({
    method: 'GET',
    path: '/v1/sandbox',
    summary: 'What the sandbox is and has. Answers 200 once the sandbox can serve.',
    request: nothing,
    response: sandboxContext,
    answer: 'plain',
  }),
  pythonPackages: operation({
    method: 'GET',
    path: '/v1/sandbox/packages/python',
    summary: 'The Python packages that are installed.',
    request: nothing,
    response: packages,
  }),
  nodejsPackages: operation({
    method: 'GET',
    path: '/v1/sandbox/packages/nodejs',
    summary: 'The packages that npm has installed for everyone.',
    request: nothing,
    response: packages,
  }),
};
