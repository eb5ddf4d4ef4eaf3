/** A real Kubernetes of one node, in namespaces of its own on this machine. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeCertificates, writeKubeconfig } from './certificates.ts';
import { makeCgroup, removeCgroup } from './cgroups.ts';
import { type Finished, type RunOptions, run } from './command.ts';
import { importImages, startContainers } from './containers.ts';
import { startControlPlane } from './control-plane.ts';
import { forwardPort } from './forwarding.ts';
import { pushCommand } from './images.ts';
import { addresses, nodeFolders, nodeName, ports, registry, type State, stateOf } from './layout.ts';
import { lock } from './lock.ts';
import { endMachine, findMachine, type Machine, startMachine } from './machine.ts';
import { startNode } from './node.ts';
import { installPackages } from './packages.ts';
import { buildPrograms, type Programs } from './programs.ts';
import { pauseImage, systemImages } from './system-images.ts';
import { waitFor } from './wait.ts';

/** A cluster that runs. Disposing of it ends it. */
export interface Cluster extends AsyncDisposable {
  readonly name: string;
  /** The program. */
  readonly kubectl: string;
  /** For programs of this machine, which reach the API server by a port on its loopback address. */
  readonly kubeconfig: string;
  /** For programs on the node. */
  readonly nodeKubeconfig: string;
  /** The registry, as programs on the node and image names spell it. Whatever registry a pod's image names, it is pulled from there. */
  readonly registry: string;
  readonly addresses: typeof addresses;
  /** What to put before a command so that it runs on the node: in its network, with its files, among its processes. */
  enter(folder?: string): string[];
  /** The same for a command that is to have the node's network only, and this machine's files: the image store, for one. */
  enterNetwork(): string[];
  /** The same for the namespace that plays the internet. */
  enterInternet(folder?: string): string[];
  /** Runs a program on the node to its end; throws CommandFailed unless that is exit code 0. */
  run(command: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Runs kubectl from outside of the cluster; throws CommandFailed unless it succeeds. @returns what it printed */
  kubectlRun(args: readonly string[], options?: RunOptions): Promise<string>;
  /** Puts an image that was built here into the registry, for pods to pull. */
  pushImage(tag: string): Promise<void>;
}

/** What a person or a test may choose. */
export interface ClusterOptions {
  /** Clusters of other names do not see each other. */
  readonly name?: string;
  readonly say?: (line: string) => void;
}

/**
 * Starts the cluster of this name, or finds it when it runs: under 30 s when its programs are built, ten minutes when not.
 * It runs on when this process ends, until it is disposed of or ended.
 *
 * @throws an error with the end of the log of what did not start; nothing is left running then.
 */
export async function startCluster({
  name = 'paddock',
  say = () => {},
}: ClusterOptions = {}): Promise<Cluster> {
  if (!/^[a-z0-9-]{1,40}$/.test(name))
    throw new Error(`${name} is no name for a cluster: a-z, 0-9 and - only`);
  await using _preparing = await lock('cluster-programs');
  await installPackages(say);
  const programs = await buildPrograms(say);
  await using _starting = await lock(`cluster-${name}`);
  const state = stateOf(name);
  const running = findMachine(state);
  if (running && (await answers(state, programs))) return clusterOf(name, state, running, programs);

  const images = await systemImages(programs);
  await endCluster(name);
  say(`starting the cluster ${name} …`);
  try {
    const machine = await startAll(state, programs, images);
    return clusterOf(name, state, machine, programs);
  } catch (error) {
    await endCluster(name);
    throw error;
  }
}

/** What clusters are started from. */
export interface Prepared {
  readonly programs: Programs;
  /** Archives with the images of the cluster's own pods. */
  readonly images: readonly string[];
}

/** Installs, builds and packs what is not there yet; what is there is left alone. */
export async function prepareCluster(say: (line: string) => void = () => {}): Promise<Prepared> {
  await using _preparing = await lock('cluster-programs');
  await installPackages(say);
  const programs = await buildPrograms(say);
  return { programs, images: await systemImages(programs) };
}

/** Ends the cluster of this name, if there is one, and removes all that it has left. */
export async function endCluster(name = 'paddock'): Promise<void> {
  const state = stateOf(name);
  await endMachine(state);
  await removeCgroup(state.cgroup);
  rmSync(state.folder, { recursive: true, force: true });
}

async function startAll(state: State, programs: Programs, images: readonly string[]): Promise<Machine> {
  mkdirSync(state.config, { recursive: true, mode: 0o700 });
  makeCgroup(state.cgroup);
  const [machine] = await Promise.all([startMachine(state), writeCertificates(state)]);
  const outside = [addresses.internet, addresses.privateNetwork, addresses.metadata];
  const network = join(import.meta.dirname, 'network.sh');
  await machine.run([network, addresses.node, addresses.router, addresses.pods, ...outside]);
  await Promise.all([
    startControlPlane(state, machine, programs),
    startContainers(state, machine, programs, pauseImage).then(async () => {
      for (const archive of images) await importImages(machine, archive);
    }),
    openToMachine(state, machine),
  ]);
  await startNode(state, machine, programs);
  await addAddons(state, programs);
  await waitUntilUsable(state, machine, programs);
  return machine;
}

async function openToMachine(state: State, machine: Machine): Promise<void> {
  const port = await forwardPort(state, machine.pid, addresses.node, ports.api);
  writeKubeconfig(state, state.kubeconfig, 'admin', `https://127.0.0.1:${port}`);
}

async function addAddons(state: State, programs: Programs): Promise<void> {
  const folder = join(import.meta.dirname, 'addons');
  await run([...kubectl(state, programs), 'apply', '--server-side', `--filename=${folder}`]);
}

/** Until pods of a user can start, find each other by name, and be kept apart. */
async function waitUntilUsable(state: State, machine: Machine, programs: Programs): Promise<void> {
  const daemons = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'containerd'];
  const command = kubectl(state, programs);
  const shown = async () => (await run([...command, 'get', 'nodes,pods', '-A', '-o', 'wide'])).stdout;
  const ready = {
    what: 'the node and the pods of kube-system are ready',
    timeoutMs: 90_000,
    everyMs: 200,
    explain: shown,
  };
  await waitFor(ready, async () => {
    machine.assertRunning(...daemons, 'kubelet', 'kube-proxy', 'docker-registry');
    const conditions = 'jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {end}';
    const found = await run([...command, 'get', 'nodes,pods', '-n', 'kube-system', '-o', conditions]);
    const states = found.stdout.trim().split(' ');
    // The node, CoreDNS, the judge of policies.
    return states.length >= 3 && states.every((status) => status === 'True');
  });
  // A pod cannot be made before its namespace has an account.
  await run([...command, 'wait', '--for=create', 'serviceaccount/default', '--timeout=30s']);
  await waitFor({ what: 'the judge of network policies listens', timeoutMs: 30_000 }, () => {
    return readFileSync(`/proc/${machine.pid}/net/netfilter/nfnetlink_queue`, 'utf8').trim() !== '';
  });
}

async function answers(state: State, programs: Programs): Promise<boolean> {
  if (!existsSync(state.kubeconfig)) return false;
  try {
    const wait = ['wait', '--for=condition=Ready', `node/${nodeName}`, '--timeout=5s'];
    await run([...kubectl(state, programs), '--request-timeout=5s', ...wait]);
    return true;
  } catch {
    return false; // Whatever it is that does not answer is ended and started anew.
  }
}

function clusterOf(name: string, state: State, machine: Machine, programs: Programs): Cluster {
  const enterNetwork = () => ['nsenter', `--target=${machine.pid}`, '--net', '--'];
  return {
    name,
    kubectl: join(programs.kubernetes, 'kubectl'),
    kubeconfig: state.kubeconfig,
    nodeKubeconfig: state.nodeKubeconfig,
    registry,
    addresses,
    enter: machine.enter,
    enterNetwork,
    enterInternet: (folder) => [...machine.enter(folder), 'nsenter', `--net=${nodeFolders.internet}`, '--'],
    run: machine.run,
    kubectlRun: async (args, options) => (await run([...kubectl(state, programs), ...args], options)).stdout,
    async pushImage(tag) {
      await run([...enterNetwork(), ...pushCommand(tag, `docker://${registry}/${repositoryOf(tag)}`)]);
    },
    [Symbol.asyncDispose]: async () => await endCluster(name),
  };
}

function kubectl(state: State, programs: Programs): string[] {
  return [join(programs.kubernetes, 'kubectl'), `--kubeconfig=${state.kubeconfig}`];
}

/** Where a pull of the image looks in a registry: `busybox:1` in `library/busybox:1`, `ghcr.io/a/b:1` in `a/b:1`. */
function repositoryOf(tag: string): string {
  const [first = '', ...rest] = tag.split('/');
  if (rest.length === 0) return `library/${tag}`;
  return /[.:]|^localhost$/.test(first) ? rest.join('/') : tag;
}
