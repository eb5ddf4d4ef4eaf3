import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import { SetupError } from '../../engine.ts';

/** How the API server is reached, and who asks. */
export interface Access {
  readonly host: string;
  readonly port: number;
  /** What comes before every path. */
  readonly prefix: string;
  readonly tls: {
    readonly ca?: string | Buffer;
    readonly cert?: string | Buffer;
    readonly key?: string | Buffer;
    readonly servername?: string;
    readonly rejectUnauthorized?: boolean;
  };
  /** The bearer token of the next request. */
  readonly token: () => string | undefined;
}

const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The kubelet puts a new token there long before the old one ends. */
const rereadTokenMs = 60_000;

/**
 * The access of a pod's service account, or that of a kubeconfig's current context where one is named.
 *
 * @throws {SetupError} when neither is there or can be used.
 */
export function findAccess(kubeconfig: string | undefined): Access {
  if (kubeconfig !== undefined) return fromKubeconfig(kubeconfig);
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  if (!host || !port) {
    throw new SetupError(
      'engine is "kubernetes", and this is no pod of a cluster',
      'Run the gateway as docker/k8s has it, or name a kubeconfig in PADDOCK_KUBECONFIG.',
    );
  }
  const token = rereading(`${accountFolder}/token`);
  token(); // Told at once when there is none.
  const ca = read(`${accountFolder}/ca.crt`);
  return { host, port: Number(port), prefix: '', tls: { ca }, token };
}

/** The namespace that the gateway's own pod is in. */
export function ownNamespace(): string | undefined {
  try {
    return readFileSync(`${accountFolder}/namespace`, 'utf8').trim();
  } catch {
    return undefined; // Not in a pod.
  }
}

function rereading(path: string): () => string {
  let known = { token: '', readMs: Number.NEGATIVE_INFINITY };
  return () => {
    if (Date.now() - known.readMs > rereadTokenMs)
      known = { token: read(path).toString().trim(), readMs: Date.now() };
    return known.token;
  };
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new SetupError(
      `the service account of this pod cannot be read: ${path}`,
      'Leave automountServiceAccountToken on for the gateway.',
      { cause },
    );
  }
}

const text = z.optional(z.string());
const named = <Key extends string, Inner extends z.ZodMiniType>(key: Key, inner: Inner) =>
  z.array(z.object({ name: z.string(), [key]: inner } as { name: z.ZodMiniString } & Record<Key, Inner>));

const kubeconfigSchema = z.object({
  'current-context': z.string(),
  contexts: named('context', z.object({ cluster: z.string(), user: z.string() })),
  clusters: named(
    'cluster',
    z.object({
      server: z.url(),
      'certificate-authority': text,
      'certificate-authority-data': text,
      'insecure-skip-tls-verify': z.optional(z.boolean()),
      'tls-server-name': text,
    }),
  ),
  users: named(
    'user',
    z.object({
      token: text,
      tokenFile: text,
      'client-certificate': text,
      'client-certificate-data': text,
      'client-key': text,
      'client-key-data': text,
      exec: z.optional(z.unknown()),
    }),
  ),
});

function fromKubeconfig(path: string): Access {
  const unusable = (reason: string, cause?: unknown) =>
    new SetupError(
      `the kubeconfig ${path} cannot be used: ${reason}`,
      'Name one whose current context has a certificate or a token.',
      { cause },
    );
  let config: z.output<typeof kubeconfigSchema>;
  try {
    config = kubeconfigSchema.parse(parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw unusable(error instanceof Error && 'syscall' in error ? error.message : 'it is none', error);
  }
  const context = config.contexts.find(({ name }) => name === config['current-context'])?.context;
  const cluster = config.clusters.find(({ name }) => name === context?.cluster)?.cluster;
  const user = config.users.find(({ name }) => name === context?.user)?.user;
  if (!cluster || !user) throw unusable('its current context names a cluster or a user that it has not');
  if (user.exec !== undefined) throw unusable('its user signs in by a program, which is not supported');
  const content = (data: string | undefined, file: string | undefined) => {
    if (data !== undefined) return Buffer.from(data, 'base64');
    return file === undefined ? undefined : readFileSync(resolve(dirname(path), file));
  };
  const url = new URL(cluster.server);
  const ca = content(cluster['certificate-authority-data'], cluster['certificate-authority']);
  const cert = content(user['client-certificate-data'], user['client-certificate']);
  const key = content(user['client-key-data'], user['client-key']);
  const servername = cluster['tls-server-name'];
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 443),
    prefix: url.pathname.replace(/\/$/, ''),
    tls: {
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
      ...(servername && { servername }),
      ...(cluster['insecure-skip-tls-verify'] && { rejectUnauthorized: false }),
    },
    token: user.tokenFile === undefined ? () => user.token : rereading(user.tokenFile),
  };
}
