/** containerd, what it runs pods with, and the registry that it pulls from. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { CommandFailed } from './command.ts';
import { addresses, nodeFolders, ports, registry, type State } from './layout.ts';
import type { Machine } from './machine.ts';
import type { Programs } from './programs.ts';
import { waitFor } from './wait.ts';

/** Starts the registry and containerd, and waits until containerd answers. */
export async function startContainers(
  state: State,
  machine: Machine,
  programs: Programs,
  pauseImage: string,
): Promise<void> {
  const config = (name: string) => join(state.config, name);
  mkdirSync(config('cni'), { recursive: true });
  // For every registry's images: there is no other registry in reach.
  mkdirSync(config('registries/_default'), { recursive: true });
  writeFileSync(config('registries/_default/hosts.toml'), registryHosts);
  writeFileSync(config('registry.json'), JSON.stringify(registryConfig));
  writeFileSync(config('cni/10-pods.conflist'), JSON.stringify(podNetwork));
  writeFileSync(config('runsc.toml'), runscConfig);
  writeFileSync(config('containerd.toml'), containerdConfig(state.config, pauseImage));

  await machine.startDaemon('docker-registry', ['docker-registry', 'serve', config('registry.json')]);
  // containerd finds gVisor's shim, and the shim finds runsc, on the PATH.
  await machine.startDaemon('containerd', ['containerd', '--config', config('containerd.toml')], {
    PATH: [programs.gvisor, programs.gvisorShim, process.env.PATH].join(delimiter),
  });
  await waitFor({ what: 'containerd answers', timeoutMs: 30_000 }, async () => {
    machine.assertRunning('containerd', 'docker-registry');
    try {
      return await machine.run(containerd('version'));
    } catch (error) {
      if (error instanceof CommandFailed) return undefined;
      throw error;
    }
  });
}

/** Puts the images of an archive where pods find them without a pull. */
export async function importImages(machine: Machine, archive: string): Promise<void> {
  await machine.run(containerd('--namespace=k8s.io', 'images', 'import', '--snapshotter=overlayfs', archive));
}

function containerd(...args: readonly string[]): string[] {
  return ['ctr', `--address=${nodeFolders.containerdSocket}`, ...args];
}

const registryHosts = `server = "http://${registry}"
[host."http://${registry}"]
capabilities = ["pull", "resolve"]
`;

const registryConfig = {
  version: '0.1',
  log: { level: 'warn', accesslog: { disabled: true } },
  storage: { filesystem: { rootdirectory: '/var/lib/registry' }, delete: { enabled: true } },
  http: { addr: `${addresses.node}:${ports.registry}` },
};

const podNetwork = {
  cniVersion: '0.4.0',
  name: 'pods',
  plugins: [
    {
      type: 'ptp',
      ipMasq: true,
      ipam: {
        type: 'host-local',
        ranges: [[{ subnet: addresses.pods }]],
        routes: [{ dst: '0.0.0.0/0' }],
        dataDir: '/run/cni/addresses',
      },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
};

// `host` is the pod's own network namespace. gVisor's own stack does not start on every kernel, and leaves the policies,
// which are what matters here, to the same place.
const runscConfig = `[runsc_config]
platform = "systrap"
network = "host"
ignore-cgroups = "true"
`;

function containerdConfig(folder: string, pauseImage: string): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
address = "${nodeFolders.containerdSocket}"

[${cri}]
sandbox_image = "${pauseImage}"
# Scores below its own are refused to a machine without CAP_SYS_RESOURCE.
restrict_oom_score_adj = true

[${cri}.cni]
bin_dir = "/usr/lib/cni"
conf_dir = "${join(folder, 'cni')}"

[${cri}.registry]
config_path = "${join(folder, 'registries')}"

[${cri}.containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"

[${cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[${cri}.containerd.runtimes.gvisor]
runtime_type = "io.containerd.runsc.v1"

[${cri}.containerd.runtimes.gvisor.options]
TypeUrl = "io.containerd.runsc.v1.options"
ConfigPath = "${join(folder, 'runsc.toml')}"
`;
}
