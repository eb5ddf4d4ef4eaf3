/** The sandbox's image with Jupyter and Chromium in it: it builds, and its pods serve like others. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cluster, endCluster } from '../cluster/cluster.ts';
import { buildFullImage, buildPaddockImages, sandboxImage, storedName } from '../cluster/paddock-images.ts';
import { install, paddock, startWithImages, untilServing } from './cli.ts';

const name = `full-${process.pid}`;
const namespace = 'deer-flow';
let cluster: Cluster;

beforeAll(async () => {
  await buildPaddockImages();
  const image = await buildFullImage();
  cluster = await startWithImages(name);
  await cluster.pushImage(storedName(image));
  await install(cluster, namespace, { sandbox: (yaml) => yaml.replace(sandboxImage, image) });
  await untilServing(cluster, namespace, 'pool');
}, 1_800_000);

afterAll(async () => await endCluster(name));

it('the full image runs Chromium and Jupyter in a pod of the pool', { timeout: 120_000 }, async () => {
  const page = 'data:text/html,<title>t</title><p>six times seven</p>';
  const script = `
    jupyter --version | head -n 1
    chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --dump-dom '${page}' 2>/dev/null`;
  const { exitCode, stdout, stderr } = await paddock(cluster, ['run', '--', 'bash', '-c', script]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^Selected Jupyter core packages/);
  expect(stdout).toContain('<p>six times seven</p>');
});
