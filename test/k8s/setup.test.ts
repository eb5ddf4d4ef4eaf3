import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { files, folder, objectsIn, runParts, runSetup, textOf } from './folder.ts';

let place: string;
/** A PATH with what every Unix has, and no kubectl. */
let bare: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'setup-'));
  bare = join(place, 'bin');
  mkdirSync(bare);
  const programs = [
    'bash',
    'sed',
    'dirname',
    'basename',
    'mktemp',
    'rm',
    'cat',
    'tail',
    'head',
    'tr',
    'grep',
    'awk',
  ];
  for (const program of programs) symlinkSync(whereIs(program), join(bare, program));
});
afterAll(() => rmSync(place, { recursive: true }));

describe('setup.sh', () => {
  it('says what it can do', () => {
    const { exitCode, stdout } = runSetup(['--help']);
    expect(exitCode).toBe(0);
    for (const option of options) expect(stdout).toContain(option);
    expect(runSetup(['-h']).stdout).toBe(stdout);
  });

  it.each([
    [['--bogus'], 'unknown option: --bogus'],
    [['extra'], 'unknown option: extra'],
    [['--image'], '--image needs a value'],
    [['--image='], '--image needs a value'],
    [['--image', 'two words'], 'not an image'],
    [['--replicas', 'many'], 'not a number'],
    [['--replicas=-1'], 'not a number'],
    [['--timeout', '0'], 'not a number of seconds'],
    [['--namespace', 'No_Name'], 'not a name for a namespace'],
    [['--crd'], '--crd goes with --cleanup'],
  ])('%j: says what is wrong and exits with 2', (args, message) => {
    const { exitCode, stdout, stderr } = runSetup(args);
    expect(stderr).toContain(`error: `);
    expect(stderr).toContain(message);
    expect(stderr).toContain('hint: ./setup.sh --help');
    expect([exitCode, stdout]).toEqual([2, '']);
  });

  it.each([[['--skills-path', '/no/such']], [[]]])(
    'says that the skills folder is not there, before it looks for a cluster: %j',
    (args) => {
      const { exitCode, stderr } = runSetup(args, { SKILLS_PATH: '/no/such', PATH: bare });
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/^error: the skills folder \/no\/such does not exist\nhint: /);
    },
  );

  it('says that the skills are no folder', () => {
    const file = join(place, 'file');
    writeFileSync(file, '');
    expect(runSetup(['--skills-path', file]).stderr).toContain('is not a folder');
  });

  it('says that kubectl is not installed', () => {
    const { exitCode, stderr } = runSetup([], { PATH: bare });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/error: kubectl is not installed\nhint: install it/);
  });

  it('leaves nothing behind', () => {
    runSetup([], { PATH: bare, TMPDIR: place });
    expect(globSync('paddock-setup*', { cwd: place })).toEqual([]);
  });
});

const kubectl = whereIs('kubectl');
describe.skipIf(kubectl === '')('without a cluster', () => {
  it.each([
    ['there is none', 'http://127.0.0.1:1', /does not answer: .*refused/],
    ['its context is gone', undefined, /does not answer: /],
  ])('%s: it says so and what to do', (_, server, message) => {
    const kubeconfig = join(place, 'kubeconfig');
    const cluster = server ? `{ name: c, cluster: { server: '${server}' } }` : '';
    writeFileSync(
      kubeconfig,
      `apiVersion: v1\nkind: Config\nclusters: [${cluster}]\ncontexts: [{ name: here, context: { cluster: c, user: u } }]\ncurrent-context: here\n`,
    );
    symlinkOnce(kubectl, join(bare, 'kubectl'));
    for (const args of [[], ['--cleanup'], ['--dry-run']]) {
      const { exitCode, stderr } = runSetup(args, { PATH: bare, KUBECONFIG: kubeconfig, HOME: place });
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(message);
      expect(stderr).toContain("the context 'here'");
      expect(stderr).toContain('kubectl config get-contexts');
    }
    rmSync(join(bare, 'kubectl'));
  });
});

describe('the kind of a cluster', () => {
  const node = (name: string, extra: object = {}, nodeInfo: object = {}) => ({
    items: [
      {
        metadata: { name, labels: {} },
        spec: {},
        status: { nodeInfo: { kubeletVersion: 'v1.34.1', osImage: 'Debian', ...nodeInfo } },
        ...extra,
      },
    ],
  });
  it.each([
    ['docker-desktop', node('docker-desktop')],
    ['docker-desktop', node('desktop-control-plane', { spec: { providerID: 'kind://docker/desktop/x' } })],
    ['orbstack', node('orbstack', {}, { kubeletVersion: 'v1.33.3+orb1', osImage: 'OrbStack' })],
    ['minikube', node('m', { metadata: { name: 'm', labels: { 'minikube.k8s.io/name': 'm' } } })],
    ['kind', node('kind-control-plane', { spec: { providerID: 'kind://docker/kind/kind-control-plane' } })],
    [
      'k3d',
      node(
        'k3d-a-server-0',
        { spec: { providerID: 'k3s://k3d-a-server-0' } },
        { kubeletVersion: 'v1.33.4+k3s1' },
      ),
    ],
    ['k3s', node('box', { spec: { providerID: 'k3s://box' } }, { kubeletVersion: 'v1.33.4+k3s1' })],
    ['other', node('ip-10-0-0-1.ec2.internal', { spec: { providerID: 'aws:///eu/i-1' } })],
    ['other', { items: [] }],
  ])('%s is told by its nodes', (kind, nodes) => {
    expect(runParts('cluster_kind', { input: JSON.stringify(nodes, null, 4) }).stdout).toBe(`${kind}\n`);
  });
});

describe('what setup.sh applies', () => {
  const rendered = (lines = '') => {
    const { stdout, stderr } = runParts(
      `${lines}\nfor f in ${files.join(' ')}; do render "$here/$f"; echo ---; done`,
    );
    expect(stderr).toBe('');
    return objectsIn(stdout.replace(/---\n$/, ''));
  };
  const byHand = (skillsPath: string) =>
    objectsIn(files.map((file) => textOf(file).replaceAll('__SKILLS_PATH__', skillsPath)).join('---\n'));

  it('is what is applied by hand', () => {
    expect(rendered('skills_path=/srv/skills')).toEqual(byHand('/srv/skills'));
  });

  it('has what was chosen, whatever signs it is written with', () => {
    const text = JSON.stringify(
      rendered(
        `namespace=two sandbox_image='a.example:5000/x@sha256:1' gateway_image=g replicas=7 skills_path="/a b/it's & \\\\1|#"`,
      ),
    );
    for (const part of [
      '"image":"a.example:5000/x@sha256:1"',
      '"image":"g"',
      '"replicas":7',
      `"path":"/a b/it's & \\\\1|#"`,
    ])
      expect(text).toContain(part);
    expect(text).not.toContain('"namespace":"deer-flow"');
    expect(text).toContain('"kind":"Namespace","metadata":{"name":"two"');
  });

  it('takes the skills from the claim where nodes do not have them', () => {
    const volumes = rendered('skills_from=claim').at(-1)?.spec.template.spec.volumes;
    expect(volumes[0]).toEqual({
      name: 'skills',
      persistentVolumeClaim: { claimName: 'deer-flow-skills', readOnly: true },
    });
  });

  it('asks for a key with --auth', () => {
    const settings = (lines: string) =>
      JSON.stringify(rendered(lines)).match(/"PADDOCK_ALLOW_UNAUTHENTICATED","value":"(\w+)"/)?.[1];
    expect([settings(''), settings('auth=true')]).toEqual(['true', 'false']);
  });
});

describe('the scripts', () => {
  const scripts = ['setup.sh', ...globSync('setup/*.sh', { cwd: folder })].sort();

  it('use nothing that bash 3.2, which macOS has, does not know', () => {
    const newer = [
      /\b(declare|local|typeset) -[a-zA-Z]*[Ang]/,
      /\b(mapfile|readarray|coproc)\b/,
      /\$\{\w+(\[[^\]]*\])?(\^|,|@[A-Za-z]\})/,
      /&>>|\|&|;;?&/,
      /\bwait -n\b/,
      /\[\[ -v /,
      /\$(EPOCHSECONDS|EPOCHREALTIME|SRANDOM|BASHPID)/,
      /printf .*%\(/,
      // GNU's sed alone knows these.
      /\bsed\b[^|]*\\[|+?](?!\|)/,
      /\bsed -i\b/,
    ];
    const found = scripts.flatMap((file) =>
      readFileSync(join(folder, file), 'utf8')
        .split('\n')
        .filter((line) => !/^\s*#/.test(line) && newer.some((construct) => construct.test(line)))
        .map((line) => `${file}: ${line.trim()}`),
    );
    expect(found).toEqual([]);
  });

  it('are one idea each', () => {
    for (const file of scripts) expect(textOf(file).split('\n').length, file).toBeLessThan(300);
  });
});

const options = [
  ...['-h, --help', '-c, --cleanup', '-p, --skip-pull', '--image', '--gateway-image', '--skills-path'],
  ...[
    '--namespace',
    '--allow-namespace',
    '--replicas',
    '--push',
    '--auth',
    '--recycle',
    '--timeout',
    '--dry-run',
  ],
  ...['--crd', 'SANDBOX_IMAGE', 'SKILLS_PATH'],
];

describe('README.md', () => {
  const readme = textOf('README.md');

  it('describes every option', () => {
    for (const option of options) expect(readme).toContain(option);
  });

  it('has the headings that its readers look for', () => {
    const headings = Array.from(readme.matchAll(/^#+ (.*)$/gm), ([, heading]) => heading);
    expect(headings).toEqual(expect.arrayContaining(guide));
  });
});

const guide = [
  ...['Kubernetes Sandbox Setup', 'Overview', 'Prerequisites', 'Quick Start', '1. Enable Kubernetes'],
  ...['2. Run Setup Script', '3. Configure Backend', '4. Verify Deployment', 'Advanced Configuration'],
  ...[
    'Custom Skills Path',
    'Custom Sandbox Image',
    'Skip Image Pull',
    'Combined Options',
    'Manual Deployment',
  ],
  ...[
    '1. Create Namespace',
    '2. Create Service',
    '3. Deploy Sandbox',
    'Configuration Options',
    'Resource Limits',
  ],
  ...[
    'Scaling',
    'Health Checks',
    'Troubleshooting',
    'Pod Not Starting',
    'Service Not Accessible',
    'Check Logs',
  ],
  ...[
    'Health Check Failures',
    'Cleanup',
    'Remove All Resources',
    'Remove Specific Resources',
    'Architecture',
  ],
  ...['Setup Script Reference', 'Command-Line Options', 'Production Considerations', 'Security'],
  ...['High Availability', 'Monitoring', 'Storage', 'Next Steps', 'Support'],
];

/** Where a program is; empty when it is not installed. */
function whereIs(program: string): string {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((place) => join(place, program)).find((path) => globSync(path).length > 0) ?? '';
}

function symlinkOnce(target: string, path: string): void {
  rmSync(path, { force: true });
  symlinkSync(target, path);
}
