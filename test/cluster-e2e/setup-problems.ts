/** What keeps sandboxes from getting ready, what setup.sh says of it, and the images that it is tried with. */
import { sandboxImage } from '../cluster/paddock-images.ts';

interface Problem {
  readonly what: string;
  readonly args: readonly string[];
  /** How sandbox-deployment.yaml differs from what it is. */
  readonly edit?: (yaml: string) => string;
  /** Of its namespace, which is somebody else's then. */
  readonly quota?: Readonly<Record<string, string>>;
  /** What is said while it waits. */
  readonly early: RegExp;
  readonly why: RegExp;
  readonly hint: RegExp;
}

export const problems: readonly Problem[] = [
  {
    what: 'the image cannot be pulled',
    args: ['--skip-pull', '--image=own/missing:1', '--timeout=16'],
    early: /^ {2}! deer-flow-sandbox: ErrImagePull: .*own\/missing:1.* not found/m,
    why: /does not get ready: (ErrImagePull|ImagePullBackOff): /,
    hint: /^hint: the nodes cannot get the image own\/missing:1/m,
  },
  {
    what: 'a folder that the manifest names is not on the node',
    args: [],
    edit: (yaml) => yaml.replace('path: __SKILLS_PATH__', 'path: /nowhere'),
    // There is nothing to wait for.
    early: /deer-flow-sandbox: 0 of 1 ready/,
    why: /does not get ready: FailedMount: .*hostPath type check failed: \/nowhere/,
    hint: /^hint: the node has no folder \/nowhere/m,
  },
  {
    what: 'the quota is full',
    args: ['--allow-namespace'],
    quota: { pods: '1' },
    // There is nothing to wait for.
    early: /deer-flow-sandbox: 0 of 1 ready, 0 of the new template/,
    why: /does not get ready: FailedCreate: .*exceeded quota/,
    hint: /^hint: the namespace's quota is full/m,
  },
  {
    what: 'the image does not start the server',
    args: ['--image=own/asleep:1', '--timeout=20'],
    early: /^ {2}! deer-flow-sandbox: Unhealthy: Startup probe failed/m,
    why: /does not get ready: Unhealthy: Startup probe failed/,
    hint: /^hint: the probe GET \/v1\/sandbox is not answered; .* FROM paddock\/sandbox and keep its start/m,
  },
  {
    what: 'their program ends',
    args: ['--image=own/ending:1'],
    early: /^ {2}! deer-flow-sandbox: CrashLoopBackOff: /m,
    why: /log: no license\n.*does not get ready: CrashLoopBackOff: /s,
    hint: /^hint: its log says why/m,
  },
  {
    what: 'no node has room',
    args: [],
    edit: (yaml) => yaml.replace('cpu: 100m', 'cpu: "64"').replace('cpu: 1000m', 'cpu: "64"'),
    early: /^ {2}! deer-flow-sandbox: Unschedulable: .*Insufficient cpu/m,
    why: /does not get ready: Unschedulable: /,
    hint: /^hint: no node has room/m,
  },
  {
    what: 'what they run cannot be bound to a conversation',
    args: ['--image=own/unbound:1'],
    early: /deer-flow-sandbox: 1 of 1 ready/,
    why: /^error: no sandbox can be bound to a conversation and run a command: /m,
    hint: /^hint: an image of your own must be FROM paddock\/sandbox/m,
  },
];

const ours = `FROM docker.io/${sandboxImage}\n`;
// It serves as ours does, but no conversation gets it.
const unbound = `
    const http = require('http');
    const env = { ...process.env, PADDOCK_LISTEN: ':8081' };
    require('child_process').spawn('/opt/paddock/bin/start', { env, stdio: 'inherit' });
    http.createServer((asked, answer) => {
      if (asked.url === '/bind') return answer.writeHead(404).end('{}');
      const { method, url: path, headers } = asked;
      const passed = http.request({ port: 8081, method, path, headers }, (got) => {
        answer.writeHead(got.statusCode, got.headers);
        got.pipe(answer);
      });
      passed.on('error', () => answer.destroy());
      asked.pipe(passed);
    }).listen(8080);`.replaceAll('\n', ' ');

/** Dockerfiles by the names of their images. */
export const images: Readonly<Record<string, string>> = {
  'own/debian:1': 'FROM docker.io/library/debian:bookworm-slim\nCMD ["sleep", "3600"]\n',
  'own/scratch:1': 'FROM scratch\nCOPY Dockerfile /\nCMD ["/none"]\n',
  'own/asleep:1': `${ours}ENTRYPOINT ["sleep", "3600"]\n`,
  'own/ending:1': `${ours}ENTRYPOINT ["bash", "-c", "echo no license; exit 3"]\n`,
  'own/unbound:1': `${ours}ENTRYPOINT ["node", "-e", ${JSON.stringify(unbound)}]\n`,
};
