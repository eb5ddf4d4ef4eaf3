import { readFile } from 'node:fs/promises';
import * as z from 'zod/mini';
import { PaddockError } from './error.ts';
import { AioSandboxProvider, type ProviderOptions } from './provider.ts';

/** What config.yaml may name as `sandbox.use`. */
const providers = new Map([['src.community.aio_sandbox:AioSandboxProvider', AioSandboxProvider]]);

const sandboxSection = z.object({
  use: z.string(),
  base_url: z.nullish(z.string()),
  provisioner_url: z.nullish(z.string()),
  api_key: z.nullish(z.string()),
});

const configFile = z.object({ sandbox: sandboxSection });

/**
 * Makes the provider that the `sandbox` section of an agent backend's config.yaml names:
 *
 *     sandbox:
 *       use: src.community.aio_sandbox:AioSandboxProvider
 *       base_url: http://127.0.0.1:8080
 *
 * A value such as `$NAME` is that of the environment's variable. `provisioner_url` and `api_key` are known too; other keys
 * are left to others.
 *
 * @throws PaddockError `invalid_config`, or the reason why the file cannot be read.
 */
export async function loadProvider(
  path: string,
  options: Omit<ProviderOptions, 'baseUrl' | 'provisionerUrl' | 'apiKey'> & {
    readonly env?: Readonly<Record<string, string | undefined>>;
  } = {},
): Promise<AioSandboxProvider> {
  const { env = process.env, ...connection } = options;
  const { parse } = await import('yaml');
  const parsed = configFile.safeParse(parse(await readFile(path, 'utf8')));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`${path} does not fit: ${issue?.path.join('.')}: ${issue?.message}`, sectionHint);
  }
  const { use, ...values } = parsed.data.sandbox;
  const Provider = providers.get(use);
  if (!Provider) throw invalid(`${path} has sandbox.use: ${use}, which is not known`, sectionHint);
  const value = (name: keyof typeof values) => fromEnvironment(values[name], `${path}: sandbox.${name}`, env);
  return new Provider({
    ...connection,
    baseUrl: value('base_url'),
    provisionerUrl: value('provisioner_url'),
    apiKey: value('api_key'),
  });
}

const sectionHint = `Write a section sandbox with use: ${[...providers.keys()].join(' or ')}.`;

function fromEnvironment(
  value: string | null | undefined,
  place: string,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (!value?.startsWith('$')) return value || undefined;
  const name = value.slice(1);
  const found = env[name];
  if (found === undefined)
    throw invalid(`${place} is $${name}, which is not set`, `Set the variable ${name}.`);
  return found;
}

function invalid(message: string, hint: string): PaddockError {
  return new PaddockError('invalid_config', message, { hint });
}
