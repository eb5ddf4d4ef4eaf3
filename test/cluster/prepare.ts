/** Makes what all tests on clusters start from, once before the first of them: programs and images. */
import { prepareCluster } from './cluster.ts';
import { makeToolbox } from './images.ts';
import { buildPaddockImages } from './paddock-images.ts';
import { toolbox } from './pods.ts';

export default async function prepare(): Promise<void> {
  const startMs = performance.now();
  const say = (line: string) => console.log(line);
  await prepareCluster(say);
  await makeToolbox(toolbox);
  await buildPaddockImages(say);
  say(`clusters can be started (${((performance.now() - startMs) / 1000).toFixed(1)} s)`);
}
