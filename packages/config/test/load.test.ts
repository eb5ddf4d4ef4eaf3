import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, flagOf, type SettingKey, settingKeys, settings } from '@paddock/protocol/config';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, describeSource, loadConfig } from '../src/index.ts';

const root = mkdtempSync(join(tmpdir(), 'paddock-config-'));
afterAll(() => rmSync(root, { recursive: true }));

let folders = 0;
function folderWith(yaml?: string): string {
  const cwd = mkdtempSync(join(root, `${folders++}-`));
  if (yaml !== undefined) writeFileSync(join(cwd, 'paddock.yaml'), yaml);
  return cwd;
}

function load(from: { argv?: string[]; env?: Record<string, string>; yaml?: string; cwd?: string }) {
  const cwd = from.cwd ?? folderWith(from.yaml);
  return { cwd, ...loadConfig({ argv: from.argv ?? [], env: { HOME: '/home/ada', ...from.env }, cwd }) };
}

function failure(from: Parameters<typeof load>[0]): ConfigError {
  try {
    load(from);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('the defaults', () => {
  it('serve on loopback alone, with nothing to set', () => {
    const { cwd, config, warnings } = load({});
    expect(config).toEqual({
      host: '127.0.0.1',
      port: 8080,
      provisionerPort: 0,
      allowUnauthenticated: false,
      allowedHosts: [],
      allowedOrigins: [],
      programDomain: 'localhost',
      dataDir: '/home/ada/.local/state/paddock',
      skillsPath: join(cwd, 'skills'),
      engine: 'local',
      deployment: 'deer-flow-sandbox',
      poolPolicy: 'cold',
      keyRotationSeconds: 2_592_000,
      isolation: 'bubblewrap',
      network: 'auto',
      mountRoots: [],
      warmSandboxes: 2,
      maxSandboxes: 100,
      maxSandboxesPerOwner: 0,
      idleSeconds: 1_800,
      maxLifeSeconds: 86_400,
      softFileFailures: false,
      memoryLimitMib: 2_048,
      cpuLimit: 0,
      processLimit: 1_024,
      templates: {},
      createTimeoutSeconds: 25,
      drainSeconds: 10,
      logLevel: 'info',
    });
    expect(warnings).toEqual([]);
  });

  it('keep state where the XDG specification says, and ignore a relative XDG_STATE_HOME as it does', () => {
    expect(load({ env: { XDG_STATE_HOME: '/var/state' } }).config.dataDir).toBe('/var/state/paddock');
    expect(load({ env: { XDG_STATE_HOME: 'state' } }).config.dataDir).toBe('/home/ada/.local/state/paddock');
  });
});

describe('where a value comes from', () => {
  const yaml = 'port: 1001\nmaxSandboxes: 11\nlogLevel: debug\n';
  const env = { PADDOCK_PORT: '1002', PADDOCK_MAX_SANDBOXES: '12' };
  const argv = ['--port', '1003'];

  it('is the flag, else the environment, else the file, else the default, and is told', () => {
    const { cwd, config, sources } = load({ yaml, env, argv });
    expect(config).toMatchObject({ port: 1003, maxSandboxes: 12, logLevel: 'debug', warmSandboxes: 2 });
    expect(describeSource(sources.port)).toBe('the flag --port');
    expect(describeSource(sources.maxSandboxes)).toBe('the variable PADDOCK_MAX_SANDBOXES');
    expect(describeSource(sources.logLevel)).toBe(`${join(cwd, 'paddock.yaml')}:3`);
    expect(describeSource(sources.warmSandboxes)).toBe('the default');
  });

  it('may be another file, by --config before PADDOCK_CONFIG', () => {
    const cwd = folderWith('port: 1');
    writeFileSync(join(cwd, 'a.yaml'), 'port: 2');
    writeFileSync(join(cwd, 'b.yaml'), 'port: 3');
    expect(load({ cwd, env: { PADDOCK_CONFIG: 'a.yaml' } }).config.port).toBe(2);
    expect(load({ cwd, env: { PADDOCK_CONFIG: 'a.yaml' }, argv: ['--config', 'b.yaml'] }).config.port).toBe(
      3,
    );
  });

  it('starts relative paths at the folder of the file, or else where the program was started', () => {
    const cwd = folderWith();
    const inFile = folderWith('dataDir: ./state\nskillsPath: ~/skills\n');
    const { config } = load({ cwd, argv: ['--config', join(inFile, 'paddock.yaml')] });
    expect(config).toMatchObject({ dataDir: join(inFile, 'state'), skillsPath: '/home/ada/skills' });
    expect(load({ cwd, env: { PADDOCK_DATA_DIR: 'state' } }).config.dataDir).toBe(join(cwd, 'state'));
  });

  it('does not count when it is empty', () => {
    expect(load({ yaml: 'port:\n', env: { PADDOCK_PORT: '', SANDBOX_API_KEY: '' } }).config).toMatchObject({
      port: 8080,
    });
    expect(load({ yaml: '# nothing yet\n' }).config.port).toBe(8080);
  });
});

describe('a value', () => {
  const accepted: [SettingKey, string, Config[SettingKey]][] = [
    ['host', '::1', '::1'],
    ['port', '0', 0],
    ['provisionerPort', '8002', 8002],
    ['publicUrl', 'https://box.example.com/paddock/', 'https://box.example.com/paddock'],
    ['apiKey', 's3cret', 's3cret'],
    ['keysFile', '/etc/paddock/keys.yaml', '/etc/paddock/keys.yaml'],
    ['allowUnauthenticated', 'yes', true],
    ['allowedHosts', 'a.example.com, b.example.com,', ['a.example.com', 'b.example.com']],
    ['allowedOrigins', 'https://app.example.com', ['https://app.example.com']],
    ['programDomain', 'programs.example.com', 'programs.example.com'],
    ['dataDir', '/srv/paddock', '/srv/paddock'],
    ['skillsPath', '~', '/home/ada'],
    ['engine', 'kubernetes', 'kubernetes'],
    ['kubeconfig', '/etc/kubeconfig', '/etc/kubeconfig'],
    ['namespace', 'agents', 'agents'],
    ['deployment', 'agent-pool', 'agent-pool'],
    ['poolPolicy', 'wait', 'wait'],
    ['keyRotationSeconds', '3600', 3600],
    ['isolation', 'none', 'none'],
    ['network', 'none', 'none'],
    ['mountRoots', '/srv/a, /srv/b', ['/srv/a', '/srv/b']],
    ['warmSandboxes', '0', 0],
    ['maxSandboxes', '7', 7],
    ['maxSandboxesPerOwner', '3', 3],
    ['idleSeconds', '60', 60],
    ['maxLifeSeconds', '0', 0],
    ['softFileFailures', 'true', true],
    ['memoryLimitMib', '512', 512],
    ['cpuLimit', '1.5', 1.5],
    ['processLimit', '64', 64],
    ['templates', '{"big": {"cpuLimit": 2}}', { big: { cpuLimit: 2 } }],
    ['createTimeoutSeconds', '2.5', 2.5],
    ['drainSeconds', '0', 0],
    ['auditFile', '/var/log/paddock.jsonl', '/var/log/paddock.jsonl'],
    ['logLevel', 'error', 'error'],
  ];

  it('has a case here for every setting', () => {
    expect(accepted.map(([key]) => key)).toEqual(settingKeys);
  });

  it.each(accepted)(
    'of %s may be the text %j, from the environment, a flag or the file',
    (key, text, value) => {
      const flag = flagOf(key);
      expect(load({ env: { [settings[key].env]: text } }).config[key]).toEqual(value);
      expect(load({ yaml: `${key}: ${JSON.stringify(text)}` }).config[key]).toEqual(value);
      if (flag) expect(load({ argv: [`${flag}=${text}`] }).config[key]).toEqual(value);
    },
  );

  it('has its own type in the file', () => {
    const yaml = 'port: 81\nallowUnauthenticated: true\nallowedHosts: [a.example.com]\ndrainSeconds: 0.5';
    expect(load({ yaml }).config).toMatchObject({
      port: 81,
      allowUnauthenticated: true,
      allowedHosts: ['a.example.com'],
      drainSeconds: 0.5,
    });
  });

  it('is a map where it has parts, with paths that start at the folder of the file', () => {
    const yaml =
      'templates:\n  big:\n    memoryLimitMib: 4096\n    skillsPath: ./more\n    env: { TEAM: research }\n';
    const { cwd, config } = load({ yaml });
    expect(config.templates).toEqual({
      big: { memoryLimitMib: 4096, skillsPath: join(cwd, 'more'), env: { TEAM: 'research' } },
    });
  });

  it.each([
    ['big: { memoryLimitMb: 1 }', /big has a setting "memoryLimitMb"/, /memoryLimitMib/],
    ['big: { anything: 1 }', /big has a setting "anything"/, /warmSandboxes, memoryLimitMib/],
    ['big: { cpuLimit: many }', /big → cpuLimit cannot be used/, /Correct/],
    ['7', /templates from .*paddock.yaml:1/, /Correct/],
  ])('of templates that is %s is refused for what is wrong in it', (yaml, message, hint) => {
    const error = failure({ yaml: `templates: ${yaml.includes(':') ? `{ ${yaml} }` : yaml}` });
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
  });

  it('needs no text where it is true or false', () => {
    expect(load({ argv: ['--allow-unauthenticated', '--port', '9'] }).config).toMatchObject({
      allowUnauthenticated: true,
      port: 9,
    });
  });
});

describe('a configuration that cannot be used', () => {
  it.each([
    [
      'a word for a number',
      { env: { PADDOCK_PORT: '80x' } },
      'port from the variable PADDOCK_PORT is "80x", expected a whole number from 0 to 65535',
    ],
    [
      'a number out of range',
      { argv: ['--port', '65536'] },
      'port from the flag --port is "65536", expected a whole number from 0 to 65535',
    ],
    [
      'a fraction',
      { env: { PADDOCK_MAX_SANDBOXES: '1.5' } },
      'maxSandboxes from the variable PADDOCK_MAX_SANDBOXES is "1.5", expected a whole number from 1 to 100000',
    ],
    [
      'a word that is no choice',
      { env: { PADDOCK_NETWORK: 'open' } },
      'network from the variable PADDOCK_NETWORK is "open", expected one of auto, outbound, none, host',
    ],
    [
      'a URL of another kind',
      { env: { PADDOCK_PUBLIC_URL: 'ftp://a' } },
      'publicUrl from the variable PADDOCK_PUBLIC_URL is "ftp://a", expected an http or https URL',
    ],
    [
      'maybe',
      { argv: ['--allow-unauthenticated=maybe'] },
      'allowUnauthenticated from the flag --allow-unauthenticated is "maybe", expected true or false',
    ],
    ['a flag without its value', { argv: ['--port'] }, '--port needs a value'],
    ['an argument', { argv: ['now'] }, 'unexpected argument "now"'],
  ])('says what is wrong with %s', (_, from, message) => {
    expect(failure(from).message).toBe(message);
    expect(failure(from).hint).not.toBe('');
  });

  it('names the file and line', () => {
    const cwd = folderWith('host: 127.0.0.1\nport: [1]\n');
    expect(failure({ cwd }).message).toBe(
      `port from ${join(cwd, 'paddock.yaml')}:2 is [1], expected a whole number from 0 to 65535`,
    );
  });

  it.each([
    ['max_sandboxes: 1', 'Did you mean maxSandboxes?'],
    ['prot: 1', 'Did you mean port?'],
    ['warmSandbox: 1', 'Did you mean warmSandboxes?'],
    ['colour: red', `The settings are ${settingKeys.join(', ')}.`],
  ])('names the setting that %j was meant for', (yaml, hint) => {
    expect(failure({ yaml }).hint).toBe(hint);
  });

  it('names the flag that was meant', () => {
    expect(failure({ argv: ['--max-sandbox', '3'] }).hint).toContain('--max-sandboxes');
  });

  it('is told whole, not one fault a start', () => {
    const error = failure({
      yaml: 'prot: 1\nlogLevel: loud',
      env: { PADDOCK_PORT: 'x' },
      argv: ['--network', 'y'],
    });
    expect(error.problems).toHaveLength(4);
  });

  it.each([
    ['port: 1\nport: 2', ':2 is not valid YAML: '],
    ['a: [', 'is not valid YAML'],
    ['- port', 'does not hold settings by name'],
  ])('may be a file that does not parse: %j', (yaml, message) => {
    expect(failure({ yaml }).message).toContain(message);
  });

  it('may be a named file that is not there', () => {
    expect(failure({ argv: ['--config', 'gone.yaml'] }).message).toContain('gone.yaml');
  });

  it('never shows a secret', () => {
    const error = failure({ env: { SANDBOX_API_KEY: 'two words' } });
    expect(error.message).toContain('apiKey from the variable SANDBOX_API_KEY is unusable');
    expect(`${error.message}${error.hint}`).not.toContain('two words');
    expect(flagOf('apiKey')).toBeUndefined();
  });
});

describe('listening beyond loopback', () => {
  it.each(['0.0.0.0', '::', '192.168.1.5', 'box.example.com'])(
    'on %s takes a key or a plain word',
    (host) => {
      expect(failure({ env: { PADDOCK_HOST: host } }).hint).toContain('SANDBOX_API_KEY');
      expect(load({ env: { PADDOCK_HOST: host, SANDBOX_API_KEY: 'k' } }).config.host).toBe(host);
      expect(load({ env: { PADDOCK_HOST: host }, yaml: 'allowUnauthenticated: true' }).config.host).toBe(
        host,
      );
    },
  );

  it.each(['127.0.0.1', '127.8.0.1', '::1', 'localhost'])('is not what %s does', (host) => {
    expect(load({ env: { PADDOCK_HOST: host } }).config.host).toBe(host);
  });
});

describe('a variable of ours that is not known', () => {
  it('is a warning with the one that was meant', () => {
    expect(load({ env: { PADDOCK_PROT: '1', PADDOCK_URL: 'x', PATH: '/bin' } }).warnings).toEqual([
      'The variable PADDOCK_PROT is not known and has no effect. Did you mean PADDOCK_PORT?',
    ]);
  });
});
