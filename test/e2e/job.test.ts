/** A small real job, done through the client against the gateway as `make dev` starts it. */
import { Sandbox } from '@paddock/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';

const workspace = '/mnt/user-data/workspace';
const rows = 100_000;

const makeCsv = (seed: number) => `import csv, random
random.seed(${seed})
with open('sales.csv', 'w', newline='') as f:
    out = csv.writer(f)
    out.writerow(['id', 'region', 'amount'])
    for i in range(${rows}):
        out.writerow([i, random.choice(['north', 'south']), random.randint(1, 1000)])
`;

const analyse = `import csv, json
total, rows = 0, 0
for row in csv.DictReader(open('sales.csv')):
    total += int(row['amount'])
    rows += 1
json.dump({'rows': rows, 'total': total}, open('/mnt/user-data/outputs/result.json', 'w'))
print('done')
`;

describe('two conversations at once', () => {
  let gateway: Gateway;
  let first: Sandbox;
  let second: Sandbox;

  beforeAll(async () => {
    gateway = await startGateway();
    first = new Sandbox({ baseUrl: gateway.url, id: 'conversation-1' });
    second = new Sandbox({ baseUrl: gateway.url, id: 'conversation-2' });
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const run = async (sandbox: Sandbox, command: string) => {
    const result = await sandbox.shell.exec({ command });
    expect(result, command).toMatchObject({ status: 'completed', exit_code: 0 });
    return result.output;
  };

  const job = async (sandbox: Sandbox, seed: number) => {
    const script = `${workspace}/analyse.py`;
    const result = async () => {
      await run(sandbox, 'python3 analyse.py');
      return JSON.parse((await sandbox.file.read({ file: '/mnt/user-data/outputs/result.json' })).content);
    };
    await sandbox.file.write({ file: `${workspace}/make.py`, content: makeCsv(seed) });
    await sandbox.file.write({ file: script, content: analyse });
    await run(sandbox, `cd ${workspace} && python3 make.py`);
    const whole = await result();
    const changed = analyse.replace(
      '    total +=',
      "    if row['region'] != 'north': continue\n    total +=",
    );
    await sandbox.file.write({ file: script, content: changed });
    return { whole, north: await result() };
  };

  it('each write a CSV, analyse it with Python, change the script, run it again and read the result', async () => {
    const [one, two] = await Promise.all([job(first, 1), job(second, 2)]);
    for (const { whole, north } of [one, two]) {
      expect(whole.rows).toBe(rows);
      expect(north.rows).toBeGreaterThan(rows * 0.4);
      expect(north.rows).toBeLessThan(rows * 0.6);
      expect(north.total).toBeLessThan(whole.total);
    }
    expect(one.whole.total).not.toBe(two.whole.total);
  });

  it('do not see the files of each other', async () => {
    await first.file.write({ file: `${workspace}/mine.txt`, content: 'first' });
    await first.file.write({ file: '/tmp/mine.txt', content: 'first' });
    await first.file.write({ file: '/home/sandbox/mine.txt', content: 'first' });
    const seen = await run(
      second,
      'find / -xdev -name mine.txt 2>/dev/null; find /mnt /tmp /home -name mine.txt; true',
    );
    expect(seen).toBe('');
  });

  it('do not see the processes of each other, nor those of the machine', async () => {
    await first.shell.exec({ command: 'sleep 4711s & true' });
    const listed = await run(second, 'cat /proc/[0-9]*/cmdline | tr "\\0" " "');
    expect(listed).not.toContain('4711s');
    expect(listed).not.toContain('vitest');
    expect(Number(await run(second, 'ls -d /proc/[0-9]* | wc -l'))).toBeLessThan(12);
  });

  it('do not see the environment of each other, nor that of the gateway', async () => {
    await run(first, 'export MARKER=of-the-first');
    const everywhere = await run(second, 'env; cat /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n"');
    expect(everywhere).not.toContain('of-the-first');
    expect(everywhere).not.toContain('PADDOCK_DATA_DIR');
    expect(everywhere).toContain('SANDBOX_ID=conversation-2');
  });

  it('find the skills, and cannot change them or the system', async () => {
    expect(await run(first, 'ls -1 /mnt/skills')).toBe('custom\npublic\n');
    const attempts = await first.shell.exec({
      command:
        'for d in /mnt/skills /usr /etc / /opt/paddock /mnt; do touch $d/x 2>/dev/null && echo "wrote to $d"; done; true',
    });
    expect(attempts.output).toBe('');
  });

  it('run as a user without rights', async () => {
    expect(await run(first, 'id -u; id -g; grep -E "CapEff|NoNewPrivs" /proc/self/status')).toBe(
      '1000\n1000\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n',
    );
    const { exit_code } = await first.shell.exec({ command: 'mount -t tmpfs none /tmp' });
    expect(exit_code).not.toBe(0);
  });

  it.each([['10.9.9.9'], ['172.16.9.9'], ['192.168.9.9'], ['100.64.9.9'], ['169.254.169.254']])(
    'have no way to the private address %s',
    async (address) => {
      const { output, exit_code } = await first.shell.exec({ command: `ip route get ${address}` });
      expect([output, exit_code]).toEqual(['RTNETLINK answers: No route to host\n', 2]);
    },
  );

  it('cannot reach the gateway from inside', async () => {
    const { port } = new URL(gateway.url);
    const tried = await first.shell.exec({
      command: `for host in 127.0.0.1 localhost 10.0.2.2; do curl -s -m 2 http://$host:${port}/health && echo "reached $host"; done; true`,
    });
    expect(tried.output).toBe('');
  });
});
