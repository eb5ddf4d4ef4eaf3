/**
 * Makes what all tests on clusters start from, once before the first of them: programs and images. On a machine that can
 * start none, those that take the cluster of E2E_KUBECONFIG need neither.
 */
import { prepareCluster } from './cluster.ts';
import { makeToolbox } from './images.ts';
import { whyNoCluster } from './packages.ts';
import { buildPaddockImages } from './paddock-images.ts';
import { toolbox } from './pods.ts';

export default async function prepare(): Promise<void> {
  if (process.env.E2E_KUBECONFIG && whyNoCluster() !== undefined) return;
  const startMs = performance.now();
  const say = (line: string) => console.log(line);
  await prepareCluster(say);
  await makeToolbox(toolbox);
  await buildPaddockImages(say);
  say(`clusters can be started (${((performance.now() - startMs) / 1000).toFixed(1)} s)`);
}
