/** `make cluster`, `make cluster-images` and `make cluster-down`. */
import { endCluster, startCluster } from './cluster.ts';
import { buildPaddockImages, gatewayImage, pushPaddockImages, sandboxImage } from './paddock-images.ts';

const [action, name = 'paddock'] = process.argv.slice(2);
const say = (line: string) => console.log(line);

try {
  if (action === 'up') await up();
  else if (action === 'images') await bringImages();
  else if (action === 'down') await endCluster(name);
  else throw new Error('usage: node test/cluster/main.ts up|images|down [NAME]');
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function up(): Promise<void> {
  const startMs = performance.now();
  const cluster = await startCluster({ name, say });
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  say(`the cluster is up (${seconds} s); make cluster-down ends it`);
  say(`  export E2E_KUBECONFIG=${cluster.kubeconfig} KUBECONFIG=${cluster.kubeconfig}`);
  say(`  ${cluster.kubectl} get pods -A`);
  say(`  a shell on the node: ${cluster.enter().join(' ')} bash`);
}

async function bringImages(): Promise<void> {
  const cluster = await startCluster({ name, say });
  await buildPaddockImages(say);
  await pushPaddockImages(cluster);
  say(`the cluster can pull ${sandboxImage} and ${gatewayImage}`);
}
