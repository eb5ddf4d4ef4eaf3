/** A backend in the cluster: a pod of another namespace, which asks the Service as DeerFlow does. */
import type { ShellExecResult } from '@paddock/protocol';
import { gatewayImage } from '../../cluster/paddock-images.ts';
import type { Place } from './place.ts';
import type { Reader } from './reader.ts';

const namespace = 'guide-backend';

/** For whom a command runs. */
interface Conversation {
  /** Sent as X-Sandbox-Id; without it the sandbox that those share who name none. */
  readonly id?: string;
  /** The shell session; without it any. */
  readonly session?: string;
  /** Default: as the guide's config.yaml has it. */
  readonly baseUrl?: string;
}

export interface Backend {
  /** Runs a command in a conversation's shell. @returns what it printed, without the last line's end; fails unless it ends with exit code 0 */
  run(command: string, conversation?: Conversation): Promise<string>;
  /** Ends a conversation's sandbox. */
  end(id: string): Promise<void>;
}

/** Starts it, in a namespace that is labelled as the guide says. Its image must be where the nodes find it. */
export async function startBackend(place: Place, reader: Reader, image: string): Promise<Backend> {
  const config = reader.shown('Quick Start / 3. Configure Backend', 'yaml');
  const [, configured = ''] = /base_url: (\S+)/.exec(config) ?? [];
  await place.kubectl('create', 'namespace', namespace);
  const label = 'kubectl label namespace NAME paddock.dev/client=true';
  await reader.run('Troubleshooting / Service Not Accessible', label, { with: { NAME: namespace } });
  await place.apply(JSON.stringify(pod(image)));
  await place.kubectl(
    'wait',
    '--for=condition=Ready',
    'pod/backend',
    `--namespace=${namespace}`,
    '--timeout=90s',
  );
  const ask = async (method: string, url: string, headers: object = {}, body?: object) => {
    const told = JSON.stringify({ method, headers, ...(body && { body: JSON.stringify(body) }) });
    const printed = await place.kubectl(
      ...['exec', 'backend', `--namespace=${namespace}`, '--container=backend', '--'],
      ...['node', '--eval', program, url, told],
    );
    if (!printed.startsWith('200 ')) throw new Error(`${method} ${url} ${told}: ${printed}`);
    return printed.slice('200 '.length);
  };
  return {
    async run(command, { id, session, baseUrl = configured } = {}) {
      const headers = { 'content-type': 'application/json', ...(id !== undefined && { 'x-sandbox-id': id }) };
      const body = { command, ...(session !== undefined && { id: session }) };
      const { data } = JSON.parse(await ask('POST', `${baseUrl}/v1/shell/exec`, headers, body)) as Answer;
      if (data.exit_code !== 0) throw new Error(`${command} ended with ${data.exit_code}: ${data.output}`);
      return data.output.trimEnd();
    },
    async end(id) {
      await ask('DELETE', `${configured}/api/sandboxes/${id}`);
    },
  };
}

interface Answer {
  readonly data: ShellExecResult;
}

/** What asks, and prints status and answer. */
const program = `
  const [url, told] = process.argv.slice(1);
  fetch(url, JSON.parse(told)).then(
    async (answer) => process.stdout.write(answer.status + ' ' + await answer.text()),
    (error) => process.stdout.write(String(error.cause ?? error)),
  );`;

/** @param image is on the node, too, once the pod runs */
function pod(image: string) {
  const container = (name: string, from: string, command: readonly string[]) => ({
    name,
    image: from,
    imagePullPolicy: 'IfNotPresent',
    command,
    resources: { requests: { cpu: '10m', memory: '32Mi' } },
  });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'backend', namespace },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 0,
      initContainers: [container('image', image, ['true'])],
      containers: [container('backend', gatewayImage, ['sleep', '3600'])],
    },
  };
}
