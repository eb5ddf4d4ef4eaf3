/** The programs of a cluster that no distribution packages: built from their Go modules once, then kept. */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { cacheFolder } from './layout.ts';

interface Recipe {
  /** A folder of `programs/`: a Go module. */
  readonly module: string;
  /** The file to write, and the package of Go that it is built from. */
  readonly binaries: Readonly<Record<string, string>>;
  /** Other names of the first binary. */
  readonly links?: readonly string[];
  /** Values that the linker sets. */
  readonly variables?: (goMod: string) => Readonly<Record<string, string>>;
  /** Files of the module's dependencies that are replaced by files of ours. */
  readonly patches?: Readonly<Record<string, string>>;
}

const recipes = {
  kubernetes: {
    module: 'kubernetes',
    binaries: { kubernetes: '.' },
    links: [
      'kube-apiserver',
      'kube-controller-manager',
      'kube-proxy',
      'kube-scheduler',
      'kubectl',
      'kubelet',
    ],
    variables: kubernetesVersion,
  },
  coredns: { module: 'coredns', binaries: { coredns: '.' } },
  networkPolicies: {
    module: 'network-policies',
    binaries: { 'kube-network-policies': 'sigs.k8s.io/kube-network-policies/cmd' },
  },
  pause: { module: 'pause', binaries: { pause: '.' } },
  gvisor: { module: 'gvisor', binaries: { runsc: 'gvisor.dev/gvisor/runsc' } },
  gvisorShim: {
    module: 'gvisor-shim',
    binaries: { 'containerd-shim-runsc-v1': 'gvisor.dev/gvisor/shim' },
    patches: { 'vendor/github.com/containerd/containerd/sys/oom_linux.go': 'containerd-sys/oom_linux.go' },
  },
} satisfies Record<string, Recipe>;

const goBuild = ['go', 'build', '-trimpath', '-buildvcs=false'];

/** The folder in which each program lies. */
export type Programs = Readonly<Record<keyof typeof recipes, string>>;

/**
 * Builds what is not in the cache: about ten minutes on two cores when nothing is.
 *
 * @throws CommandFailed when Go is not there or a build fails.
 */
export async function buildPrograms(say: (line: string) => void): Promise<Programs> {
  const goVersion = (await run(['go', 'env', 'GOVERSION', 'GOARCH'])).stdout;
  // One after the other: each build uses all cores and much memory.
  return {
    kubernetes: await build(recipes.kubernetes, goVersion, say),
    coredns: await build(recipes.coredns, goVersion, say),
    networkPolicies: await build(recipes.networkPolicies, goVersion, say),
    pause: await build(recipes.pause, goVersion, say),
    gvisor: await build(recipes.gvisor, goVersion, say),
    gvisorShim: await build(recipes.gvisorShim, goVersion, say),
  };
}

async function build(recipe: Recipe, goVersion: string, say: (line: string) => void): Promise<string> {
  const source = join(import.meta.dirname, 'programs', recipe.module);
  const target = join(cacheFolder, 'cluster', `${recipe.module}-${keyOf(recipe, source, goVersion)}`);
  if (existsSync(target)) return target;

  say(`building ${recipe.module} (once) …`);
  const startMs = performance.now();
  mkdirSync(join(cacheFolder, 'cluster'), { recursive: true });
  const work = mkdtempSync(join(cacheFolder, 'cluster', 'building-'));
  const seconds = () => Math.round((performance.now() - startMs) / 1000);
  const progress = setInterval(() => say(`still building ${recipe.module} (${seconds()} s)`), 60_000);
  try {
    await compile(recipe, source, work);
    // Whoever built the same thing meanwhile was first: what is there is as good.
    if (!existsSync(target)) renameSync(join(work, 'bin'), target);
  } finally {
    clearInterval(progress);
    rmSync(work, { recursive: true, force: true });
  }
  say(`built ${recipe.module} in ${seconds()} s`);
  return target;
}

/** What the binaries depend on: sources, go.mod, go.sum, the recipe, and the compiler. */
function keyOf(recipe: Recipe, source: string, goVersion: string): string {
  const hash = createHash('sha256').update(JSON.stringify([goVersion, goBuild, recipe]));
  for (const file of globSync('**/*.{go,mod,sum}', { cwd: source }).sort()) {
    hash.update(`\0${file}\0`).update(readFileSync(join(source, file)));
  }
  return hash.digest('hex').slice(0, 16);
}

async function compile(recipe: Recipe, source: string, work: string): Promise<void> {
  const module = join(work, 'module');
  cpSync(source, module, { recursive: true });
  if (recipe.patches) await run(['go', 'mod', 'vendor'], { cwd: module });
  for (const [replaced, replacement] of Object.entries(recipe.patches ?? {})) {
    cpSync(join(module, replacement), join(module, replaced));
  }
  const goMod = readFileSync(join(module, 'go.mod'), 'utf8');
  const variables = Object.entries(recipe.variables?.(goMod) ?? {});
  const linker = ['-s', '-w', ...variables.map(([name, value]) => `-X ${name}=${value}`)].join(' ');
  for (const [binary, packageName] of Object.entries(recipe.binaries)) {
    const output = join(work, 'bin', binary);
    await run([...goBuild, `-ldflags=${linker}`, '-o', output, packageName], {
      cwd: module,
      env: { CGO_ENABLED: '0' },
    });
  }
  const [first = ''] = Object.keys(recipe.binaries);
  for (const link of recipe.links ?? []) symlinkSync(first, join(work, 'bin', link));
}

/** The version that servers and clients tell each other; without it both say v0.0.0 and refuse some work. */
function kubernetesVersion(goMod: string): Readonly<Record<string, string>> {
  const [, version, major, minor] = /k8s\.io\/kubernetes (v(\d+)\.(\d+)\.\d+)/.exec(goMod) ?? [];
  if (version === undefined || major === undefined || minor === undefined) {
    throw new Error('programs/kubernetes/go.mod names no version of k8s.io/kubernetes');
  }
  const prefix = 'k8s.io/component-base/version';
  return {
    [`${prefix}.gitVersion`]: version,
    [`${prefix}.gitMajor`]: major,
    [`${prefix}.gitMinor`]: minor,
  };
}
