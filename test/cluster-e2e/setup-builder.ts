/** A program that builds images, as setup.sh finds it on a person's machine. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { openBuilder, pushCommand } from '../cluster/images.ts';

/**
 * The PATH of a person who has kubectl, and a buildah that builds as this machine can and reaches the cluster's registry,
 * whatever registry an image names.
 */
export function builderPath(cluster: Cluster): Disposable & { readonly path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'builder-'));
  const settings = join(folder, 'registries.conf');
  const registries = [cluster.registry, 'docker.io'].map(
    (prefix) => `[[registry]]\nprefix = "${prefix}"\nlocation = "${cluster.registry}"\ninsecure = true\n`,
  );
  writeFileSync(settings, `unqualified-search-registries = ["docker.io"]\n${registries.join('')}`);
  const builder = openBuilder();
  const push = pushCommand('', '');
  const other = [...cluster.enterNetwork(), ...push.slice(0, push.indexOf('push'))];
  const programs = {
    buildah: `export PATH='${process.env.PATH}' CONTAINERS_REGISTRIES_CONF=${settings}
case $1 in
  build) shift && exec ${builder.command.join(' ')} "$@" ;;
  *) exec ${other.join(' ')} "$@" ;;
esac`,
    docker: 'exit 1',
    podman: 'exit 1',
    nerdctl: 'exit 1',
  };
  for (const [program, script] of Object.entries(programs)) {
    writeFileSync(join(folder, program), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, program), 0o755);
  }
  return {
    path: `${folder}:${join(cluster.kubectl, '..')}:${process.env.PATH}`,
    [Symbol.dispose]: () => {
      builder[Symbol.dispose]();
      rmSync(folder, { recursive: true });
    },
  };
}
