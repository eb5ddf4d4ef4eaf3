import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sandboxUser } from './bubblewrap.ts';
import type { Network } from './network.ts';

/** Writes the files that stand in for the machine's own in a sandbox's /etc. Gives each one's source by its path there. */
export function writeSystemFiles(folder: string, network: Network): Record<string, string> {
  const { name, uid, gid, home } = sandboxUser;
  const contents: Record<string, string> = {
    passwd: `root:x:0:0:root:/root:/usr/sbin/nologin\n${name}:x:${uid}:${gid}::${home}:/bin/bash\nnobody:x:65534:65534::/:/usr/sbin/nologin\n`,
    group: `root:x:0:\n${name}:x:${gid}:\nnogroup:x:65534:\n`,
    hosts: '127.0.0.1 localhost sandbox\n::1 localhost ip6-localhost\n',
    hostname: 'sandbox\n',
    ...(network.resolver && { 'resolv.conf': `nameserver ${network.resolver}\n` }),
  };
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const sources = Object.entries(contents).map(([file, content]) => {
    const source = join(folder, file);
    writeFileSync(source, content, { mode: 0o644 });
    return [`/etc/${file}`, source];
  });
  const shared = network.kind === 'host' ? { '/etc/resolv.conf': '/etc/resolv.conf' } : {};
  return { ...Object.fromEntries(sources), ...shared };
}
