/** The guide from its quick start on: a deployment that is set up, looked at, scaled, and taken apart piece by piece. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { onFirstUse } from '@paddock/protocol/operation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sandboxImage } from '../../cluster/paddock-images.ts';
import { waitFor } from '../../cluster/wait.ts';
import { startBackend } from './backend.ts';
import { type Row, rowsOf } from './listing.ts';
import { openPlace, type Place, placeTimeoutMs } from './place.ts';
import { type Reader, startReading } from './reader.ts';

let place: Place;
let reader: Reader;
/** It can start once the nodes get the images. */
const backend = onFirstUse(() => startBackend(place, reader, sandboxImage));
/** A conversation that has a file and a shell session from the quick start on. */
const talk = { id: 'talk', session: 'main' };

beforeAll(async () => {
  place = await openPlace(`guide-quick-${process.pid}`);
  reader = startReading('quick-start', place);
  // With it both images are on the node: what is timed below is not a registry.
  if (place.own) await backend();
}, placeTimeoutMs);

afterAll(async () => {
  reader?.[Symbol.dispose]();
  await place?.[Symbol.asyncDispose]();
});

describe('Quick Start', { timeout: 120_000 }, () => {
  it('2. Run Setup Script: sets up a deployment that has run a command', { timeout: 240_000 }, async () => {
    const section = 'Quick Start / 2. Run Setup Script';
    await reader.run(section, 'cd docker/k8s');
    const startMs = performance.now();
    using terminal = reader.open(section, './setup.sh');
    await terminal.shows(/✓ a command ran in a sandbox/, 200_000);
    const seconds = (performance.now() - startMs) / 1000;
    console.log(`setup.sh to the first output of a command: ${seconds.toFixed(1)} s`);
    expect(await terminal.exitCode, terminal.screen).toBe(0);
    expect(terminal.screen).toContain(indented(reader.shown('Quick Start / 3. Configure Backend', 'yaml')));
    // Other clusters run on the same processors at the same time.
    if (place.own) expect(seconds).toBeLessThan(60);
  });

  it('3. Configure Backend: base_url alone leads to a sandbox', async () => {
    const { run } = await backend();
    expect(await run('echo it works')).toBe('it works');
    await run('echo kept > note; here=kept', talk);
    expect(await run('hostname', talk)).not.toBe(await run('hostname'));
  });

  it('3. Configure Backend: a backend outside of the cluster forwards the port', async () => {
    const port = await freePort();
    const command = 'kubectl port-forward --namespace deer-flow svc/deer-flow-sandbox 8080:8080';
    const values = { '8080:8080': `${port}:8080` };
    using terminal = reader.open('Quick Start / 3. Configure Backend', command, { with: values });
    await terminal.shows(/Forwarding from 127\.0\.0\.1/);
    const answer = await fetch(`http://127.0.0.1:${port}/v1/sandbox`);
    expect(answer.status).toBe(200);
    await answer.text();
    terminal.types('\x03');
    await terminal.exitCode;
  });

  it('4. Verify Deployment: shows what the guide shows', async () => {
    const section = 'Quick Start / 4. Verify Deployment';
    // Conversations have taken pods, and others start in their place.
    await rolledOut();
    const { stdout } = await reader.run(section, 'kubectl get pods -n deer-flow');
    const [shown] = rowsOf(reader.shown(section, ''));
    const { AGE: _age, NAME: name = '', ...state } = shown ?? {};
    const pods = rowsOf(stdout);
    expect(Object.keys(pods[0] ?? {})).toEqual(Object.keys(shown ?? {}));
    const sandboxes = pods.filter(({ NAME }) =>
      new RegExp(`^${name.replaceAll(/x+/g, '[a-z0-9]+')}$`).test(NAME ?? ''),
    );
    // Two conversations, and one that waits.
    expect(sandboxes).toMatchObject([state, state, state]);
    expect(pods.filter(({ NAME }) => NAME?.startsWith('deer-flow-gateway-'))).toMatchObject([state, state]);
  });
});

describe('Configuration Options / Scaling', { timeout: 120_000 }, () => {
  /** Until so many wait, and none more; the conversation is what it was. */
  const expectReady = async (replicas: number) => {
    await rolledOut();
    await waitFor({ what: `${replicas} sandboxes wait`, timeoutMs: 60_000 }, async () => {
      const pods = await sandboxPods('!paddock.dev/sandbox');
      return pods.length === replicas && pods.every(({ READY }) => READY === '1/1');
    });
    const { run } = await backend();
    expect(await run('cat note; echo $here', talk)).toBe('kept\nkept');
    expect(await run('echo it works')).toBe('it works');
  };

  it('more sandboxes, and a conversation keeps its own', async () => {
    const command = 'kubectl scale deployment deer-flow-sandbox -n deer-flow --replicas=3';
    await reader.run('Configuration Options / Scaling', command);
    await expectReady(3);
  });

  it('fewer sandboxes, and more again, by the file', async (context) => {
    if (!(await showsFolders())) context.skip('the nodes do not have the folders of this machine');
    const file = join(reader.checkout, 'docker/k8s/sandbox-deployment.yaml');
    const written = readFileSync(file, 'utf8');
    await applyDeployment();
    await expectReady(1);
    const [, lines = ''] =
      /^spec:\n(.*)$/.exec(reader.shown('Configuration Options / Scaling', 'yaml')) ?? [];
    writeFileSync(file, written.replace(/^ {2}replicas: 1$/m, lines));
    await applyDeployment();
    await expectReady(3);
    writeFileSync(file, written);
  });

  it('fewer sandboxes end only those that nobody uses', async () => {
    await place.kubectl('scale', 'deployment', 'deer-flow-sandbox', '-n', 'deer-flow', '--replicas=1');
    await expectReady(1);
    expect(await sandboxPods('paddock.dev/sandbox')).toHaveLength(2);
  });
});

describe('Troubleshooting', { timeout: 120_000 }, () => {
  it('Pod Not Starting: describes every pod, with its events', async () => {
    const command = 'kubectl describe pod -n deer-flow -l app=deer-flow-sandbox';
    const { stdout } = await reader.run('Troubleshooting / Pod Not Starting', command);
    expect(stdout.match(/^Status: +Running$/gm)).toHaveLength(3);
    expect(stdout.match(/^ +Image: +paddock\/sandbox:/gm)).toHaveLength(3);
    expect(stdout).toMatch(/^Events:\n.*\n.*\n.*Scheduled/m);
  });

  it('Service Not Accessible: shows a ClusterIP, and two gateways behind it', async () => {
    const section = 'Troubleshooting / Service Not Accessible';
    const { stdout } = await reader.run(section, 'kubectl get service -n deer-flow');
    const service = rowsOf(stdout).find(({ NAME }) => NAME === 'deer-flow-sandbox');
    expect(service).toMatchObject({ TYPE: 'ClusterIP', 'PORT(S)': '8080/TCP' });
    expect(service?.['CLUSTER-IP']).toMatch(/^[\da-f.:]+$/);
    const described = await reader.run(section, 'kubectl describe service deer-flow-sandbox -n deer-flow');
    expect(described.stdout).toMatch(/^Endpoints: +[\d.]+:8080,[\d.]+:8080$/m);
  });

  it('Service Not Accessible: another pod reaches it', async () => {
    const command = `kubectl run test-pod -n deer-flow --rm -it --image=curlimages/curl -- \\
  curl http://deer-flow-sandbox.deer-flow.svc.cluster.local:8080/v1/sandbox`;
    using terminal = reader.open('Troubleshooting / Service Not Accessible', command);
    await terminal.shows(/pod "test-pod" deleted/);
    expect(await terminal.exitCode).toBe(0);
    expect(terminal.screen).toMatch(/\{"success":true,.*"version":"\d/);
  });

  it('Check Logs: follows all of them until its reader has enough', async () => {
    const command = 'kubectl logs -n deer-flow -l app=deer-flow-sandbox -f';
    using terminal = reader.open('Troubleshooting / Check Logs', command);
    await terminal.shows(/(ready[\s\S]*){3}/);
    terminal.types('\x03');
    expect(await terminal.exitCode).not.toBe(0);
  });

  it('Check Logs: shows those of before a crash', async () => {
    const section = 'Troubleshooting / Check Logs';
    const command = 'kubectl logs -n deer-flow -l app=deer-flow-sandbox --previous';
    const [{ NAME: pod = '' } = {}] = await sandboxPods('!paddock.dev/sandbox');
    const crash = 'setsid sh -c "sleep 0.2; pkill -9 -f main[.]cjs" >/dev/null 2>&1 &';
    await place.kubectl('exec', '-n', 'deer-flow', pod, '--', 'sh', '-c', crash);
    await waitFor({ what: `${pod} has been restarted`, timeoutMs: 60_000 }, async () => {
      const pods = await sandboxPods('!paddock.dev/sandbox');
      return pods.some(({ RESTARTS, READY }) => RESTARTS?.startsWith('1') && READY === '1/1');
    });
    // The others have no previous container.
    const { stderr } = await reader.run(section, command, { exitCode: 1 });
    expect(stderr).toMatch(/previous terminated container "sandbox" in pod ".*" not found/);
    const previous = await place.kubectl(...command.split(' ').slice(1), '--ignore-errors');
    expect(previous).toMatch(/^ready$/m);
  });

  it('Health Check Failures: lists what happened to the pods', async () => {
    const command = "kubectl get events -n deer-flow --sort-by='.lastTimestamp'";
    const { stdout } = await reader.run('Troubleshooting / Health Check Failures', command);
    const started = rowsOf(stdout).filter(({ TYPE, REASON }) => TYPE === 'Normal' && REASON === 'Started');
    expect(started.map(({ OBJECT }) => OBJECT)).toContainEqual(
      expect.stringMatching(/^pod\/deer-flow-sandbox-/),
    );
  });

  it('Health Check Failures: opens a shell in a pod', async () => {
    const command = 'kubectl exec -it -n deer-flow <pod-name> -- /bin/sh';
    const [{ NAME: pod = '' } = {}] = await sandboxPods('!paddock.dev/sandbox');
    const values = { '<pod-name>': pod };
    using terminal = reader.open('Troubleshooting / Health Check Failures', command, { with: values });
    await terminal.shows(/\$ $/);
    terminal.types('echo "I am in $(hostname)"; exit 7\r');
    await terminal.shows(new RegExp(`I am in ${pod}\r`));
    expect(await terminal.exitCode).toBe(7);
  });
});

describe('Cleanup / Remove Specific Resources', { timeout: 120_000 }, () => {
  const section = 'Cleanup / Remove Specific Resources';

  it('pods that are deleted come back, without what they held', async () => {
    const before = await sandboxPods();
    await reader.run(section, 'kubectl delete pods -n deer-flow -l app=deer-flow-sandbox');
    await rolledOut();
    const after = await sandboxPods();
    expect(after.map(({ NAME }) => NAME)).not.toEqual(before.map(({ NAME }) => NAME));
    const { run } = await backend();
    expect(await run('cat note 2>&1 || echo anew', talk)).toMatch(/anew$/);
  });

  it('the deployment alone: namespace and service stay', async () => {
    await reader.run(section, 'kubectl delete deployment deer-flow-sandbox -n deer-flow');
    await place.kubectl('get', 'namespace/deer-flow');
    await place.kubectl(
      'get',
      'service/deer-flow-sandbox',
      'deployment/deer-flow-gateway',
      '--namespace=deer-flow',
    );
    await waitFor(
      { what: 'all sandboxes are gone', timeoutMs: 60_000 },
      async () => (await sandboxPods()).length === 0,
    );
  });

  it('setup.sh brings back what is missing', async () => {
    await reader.run('Quick Start / 2. Run Setup Script', './setup.sh');
    expect(await (await backend()).run('echo it works', talk)).toBe('it works');
  });

  it('a conversation is not hurt when pods that wait are deleted', async () => {
    const { run } = await backend();
    await run('here=kept', talk);
    await place.kubectl(
      'delete',
      'pods',
      '-n',
      'deer-flow',
      '-l',
      'app=deer-flow-sandbox,!paddock.dev/sandbox',
    );
    expect(await run('echo $here', talk)).toBe('kept');
  });
});

describe('the guide', () => {
  it('has no command in these sections that was not run', () => {
    expect(reader.missed()).toEqual([]);
  });
});

async function rolledOut(): Promise<void> {
  const status = ['rollout', 'status', 'deployment/deer-flow-sandbox', '--namespace=deer-flow'];
  await place.kubectl(...status, '--timeout=90s');
}

async function sandboxPods(...selector: readonly string[]): Promise<Row[]> {
  const selected = ['app=deer-flow-sandbox', ...selector].join();
  return rowsOf(await place.kubectl('get', 'pods', '--namespace=deer-flow', `--selector=${selected}`));
}

/** Whether sandboxes have the skills from this machine's own folder. */
async function showsFolders(): Promise<boolean> {
  const path = 'jsonpath={.spec.template.spec.volumes[?(@.name=="skills")].hostPath.path}';
  return (await place.kubectl('get', 'deployment/deer-flow-sandbox', '-n', 'deer-flow', '-o', path)) !== '';
}

async function applyDeployment(): Promise<void> {
  const command = `sed 's|__SKILLS_PATH__|/Users/feng/Projects/deer-flow/skills|g' \\
  sandbox-deployment.yaml | kubectl apply -f -`;
  const values = { '/Users/feng/Projects/deer-flow/skills': join(reader.checkout, 'skills') };
  await reader.run('Manual Deployment / 3. Deploy Sandbox', command, { with: values });
}

/** As setup.sh prints it into a terminal. */
function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}\r\n`)
    .join('');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('the port has no number');
  return address.port;
}
