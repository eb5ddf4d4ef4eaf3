/** The script that looks around in a sandbox, and what it prints: lines of a key, a tab, a value. */
import { quote } from '../../quote.ts';
import { skillsFolder } from './names.ts';
import type { Target } from './targets.ts';

interface Wanted {
  /** To be found by DNS. */
  readonly name: string;
  readonly targets: readonly Target[];
  readonly listSkills: boolean;
}

/** What a sandbox sees. */
export interface Seen {
  readonly is: 'seen';
  /** Its pod. */
  readonly host: string;
  /** What the name was found to be; undefined when it was not found. */
  readonly address: string | undefined;
  /** Whether a DNS server takes connections. */
  readonly dnsListens: boolean;
  /** The limit of processes as far as it shows inside; undefined when none does. */
  readonly pidsLimit: number | undefined;
  readonly skills: Skills;
  readonly reached: readonly Target[];
  readonly kept: readonly Target[];
}

/** The folder of skills. */
interface Skills {
  /** Undefined when there is no such folder. */
  readonly files: number | undefined;
  readonly isWritable: boolean;
  /** SHA-256 by path, when it was asked for. */
  readonly sums: ReadonlyMap<string, string>;
}

const connectSeconds = 3;
/** Rules for a pod that is new may not hold yet. */
const settleSeconds = 2;
const lookupSeconds = 8;
const countedFiles = 10_000;

export function script({ name, targets, listSkills }: Wanted): string {
  return `
say() { printf '%s\\t%s\\n' "$1" "$2"; }
try() { timeout ${connectSeconds} bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>/dev/null; }
reach() {
  try "$2" "$3" && sleep ${settleSeconds} && try "$2" "$3" && say reached "$1" || say kept "$1"
}
find_name() { timeout ${lookupSeconds} getent hosts "$1" | { read -r address _; printf '%s' "$address"; }; }
say host "$HOSTNAME"
say pids "$(cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null | head -n 1)"
{ say address "$(find_name ${quote([name])})"; } &
while read -r word server _; do
  [ "$word" = nameserver ] && try "$server" 53 && say dns listens && break
done </etc/resolv.conf &
${targets.map(({ host, port }, index) => `reach ${index} ${quote([host])} ${port} &`).join('\n')}
if cd ${skillsFolder} 2>/dev/null; then
  say skills "$(find -L . -type f 2>/dev/null | head -n ${countedFiles} | wc -l)"
  [ -w . ] && say writable yes
  ${listSkills ? `find . -type f -exec sha256sum {} + 2>/dev/null | while read -r line; do say sum "$line"; done` : ''}
fi
wait
`;
}

/** Makes sense of what the script printed. */
export function seenIn(printed: string, targets: readonly Target[]): Seen {
  const values = new Map<string, string[]>();
  for (const line of printed.split('\n')) {
    const [key = '', value = ''] = line.split('\t');
    values.set(key, [...(values.get(key) ?? []), value.trim()]);
  }
  const first = (key: string) => values.get(key)?.[0] || undefined;
  const host = first('host') ?? '';
  const others = (key: string) =>
    targets.filter(({ pod }, index) => pod !== host && values.get(key)?.includes(`${index}`));
  const files = first('skills');
  const limit = Number(first('pids'));
  return {
    is: 'seen',
    host,
    address: first('address'),
    dnsListens: first('dns') !== undefined,
    pidsLimit: limit > 0 ? limit : undefined,
    skills: {
      files: files === undefined ? undefined : Number(files),
      isWritable: first('writable') !== undefined,
      sums: new Map(
        values.get('sum')?.map((line) => {
          const cut = line.indexOf(' ');
          return [
            line
              .slice(cut)
              .trim()
              .replace(/^\*?\.\//, ''),
            line.slice(0, cut),
          ];
        }),
      ),
    },
    reached: others('reached'),
    kept: others('kept'),
  };
}
