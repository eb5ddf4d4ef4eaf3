/** The settings of the gateway: one row each. Loader, `paddock serve --help` and docs/configuration.md read this table. */
import * as z from 'zod/mini';
import {
  amount,
  choice,
  type Environment,
  flag,
  integer,
  list,
  path,
  type Setting,
  seconds,
  text,
} from './setting-kinds.ts';
import { templateFields, templatesSchema } from './template.ts';

export type { Environment, Setting, SettingKind } from './setting-kinds.ts';
export { type Template, templateFields, templatesSchema } from './template.ts';

/** Every setting by its key in paddock.yaml. */
export const settings = {
  host: {
    ...text(/^[A-Za-z0-9.:_-]+$/, 'a host name or an address'),
    env: 'PADDOCK_HOST',
    default: '127.0.0.1',
    summary: 'The address to listen on. Beyond loopback it takes apiKey or allowUnauthenticated.',
  },
  port: {
    ...integer(0, 65_535),
    env: 'PADDOCK_PORT',
    default: 8080,
    summary: 'The port to listen on. 0 takes a free one.',
  },
  provisionerPort: {
    ...integer(0, 65_535),
    env: 'PADDOCK_PROVISIONER_PORT',
    default: 0,
    summary:
      'A second port for the same server, such as the 8002 that backends expect of a provisioner; 0 is none.',
  },
  publicUrl: {
    kind: 'text',
    schema: z.url({ protocol: /^https?$/ }).check(z.overwrite((url) => url.replace(/\/+$/, ''))),
    expected: 'an http or https URL',
    env: 'PADDOCK_PUBLIC_URL',
    summary: 'What sandbox_url begins with. When absent it is the address that the caller used.',
  },
  apiKey: {
    ...text(/^[\x21-\x7e]+$/, 'printable ASCII characters without spaces'),
    env: 'SANDBOX_API_KEY',
    secret: true,
    summary: 'The key that callers must send.',
  },
  keysFile: {
    ...path(),
    env: 'PADDOCK_KEYS_FILE',
    summary:
      "A YAML file of keys by owner, `owner: [key, key]`; owners do not see each other's sandboxes. Read again when it changes.",
  },
  allowUnauthenticated: {
    ...flag(),
    env: 'PADDOCK_ALLOW_UNAUTHENTICATED',
    default: false,
    summary: 'Listen beyond loopback without a key: whoever reaches the port may run code in sandboxes.',
  },
  allowedHosts: {
    ...list(/^[A-Za-z0-9.:_*[\]-]+$/, 'host names'),
    env: 'PADDOCK_ALLOWED_HOSTS',
    default: [],
    summary: 'Names that the Host header may hold besides loopback names and addresses.',
  },
  allowedOrigins: {
    ...list(/^https?:\/\/[^/\s]+$/, 'origins such as https://app.example.com'),
    env: 'PADDOCK_ALLOWED_ORIGINS',
    default: [],
    summary: 'Origins of web pages that may call.',
  },
  programDomain: {
    ...text(/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/, 'a domain name'),
    env: 'PADDOCK_PROGRAM_DOMAIN',
    default: 'localhost',
    summary:
      'Programs in sandboxes are served at {port}-{name}.<this domain>, each on a web origin of its own. ' +
      'Beyond one machine: a domain whose every name leads here, and that serves nothing else.',
  },
  dataDir: {
    ...path(),
    env: 'PADDOCK_DATA_DIR',
    default: stateHome,
    defaultText: '$XDG_STATE_HOME/paddock, else ~/.local/state/paddock',
    summary: 'The folder for keys and the files of sandboxes.',
  },
  skillsPath: {
    ...path(),
    env: 'SKILLS_PATH',
    default: './skills',
    summary: 'The folder that sandboxes see, read-only, as /mnt/skills.',
  },
  engine: {
    ...choice(['local', 'kubernetes']),
    env: 'PADDOCK_ENGINE',
    default: 'local',
    summary: 'What sandboxes are made of: processes on this machine, or pods of a cluster.',
  },
  kubeconfig: {
    ...path(),
    env: 'PADDOCK_KUBECONFIG',
    summary:
      'With engine kubernetes: a kubeconfig whose current context is used. When absent, the service account of the pod that the gateway is in.',
  },
  namespace: {
    ...text(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'the name of a namespace'),
    env: 'PADDOCK_NAMESPACE',
    summary: "With engine kubernetes: the namespace of the sandboxes. When absent, the gateway's own.",
  },
  deployment: {
    ...text(/^[a-z0-9]([a-z0-9.-]{0,50}[a-z0-9])?$/, 'the name of a Deployment'),
    env: 'PADDOCK_DEPLOYMENT',
    default: 'deer-flow-sandbox',
    summary:
      'With engine kubernetes: the Deployment whose pods are the warm pool, in the place of warmSandboxes. They have its name as their label app.',
  },
  poolPolicy: {
    ...choice(['cold', 'wait', 'fail']),
    env: 'PADDOCK_POOL_POLICY',
    default: 'cold',
    summary:
      'With engine kubernetes: what a claim does when no pod of the pool is free. cold makes one at once, wait waits for one, fail answers 429.',
  },
  keyRotationSeconds: {
    ...seconds(0, 31_536_000),
    env: 'PADDOCK_KEY_ROTATION_SECONDS',
    default: 2_592_000,
    summary:
      'With engine kubernetes: seconds after which the key is replaced by which gateways and sandboxes know each other; 0 is never.',
  },
  isolation: {
    ...choice(['bubblewrap', 'none']),
    env: 'PADDOCK_ISOLATION',
    default: 'bubblewrap',
    summary:
      'What keeps sandboxes apart. none is nothing: their code can do all that the user of the gateway can. It is for ' +
      'machines without user namespaces and for code that is trusted; there is no /mnt/user-data then, and no /mnt/skills.',
  },
  network: {
    ...choice(['auto', 'outbound', 'none', 'host']),
    env: 'PADDOCK_NETWORK',
    default: 'auto',
    summary:
      'The network of sandboxes: outbound reaches the internet and not this machine, host shares its network. ' +
      'auto is outbound where slirp4netns or pasta is installed, else none.',
  },
  mountRoots: {
    ...list(/^\/[^\0]*$/, 'absolute paths'),
    env: 'PADDOCK_MOUNT_ROOTS',
    default: [],
    summary: 'Folders of the host: what lies below may be mounted into sandboxes (extra_mounts).',
  },
  warmSandboxes: {
    ...integer(0, 1_000),
    env: 'PADDOCK_WARM_SANDBOXES',
    default: 2,
    summary: 'Started sandboxes kept ready to be claimed.',
  },
  maxSandboxes: {
    ...integer(1, 100_000),
    env: 'PADDOCK_MAX_SANDBOXES',
    default: 100,
    summary: 'Sandboxes that may be claimed at once.',
  },
  maxSandboxesPerOwner: {
    ...integer(0, 100_000),
    env: 'PADDOCK_MAX_SANDBOXES_PER_OWNER',
    default: 0,
    summary: 'Sandboxes that one owner may have claimed at once; 0 is no limit of its own.',
  },
  idleSeconds: {
    ...seconds(0, 31_536_000),
    env: 'PADDOCK_IDLE_SECONDS',
    default: 1_800,
    summary:
      'Seconds without a request or running command after which a sandbox is released; 0 is never. The one that callers share who name none is kept; with engine kubernetes only until the Deployment has a newer template.',
  },
  maxLifeSeconds: {
    ...seconds(0, 31_536_000),
    env: 'PADDOCK_MAX_LIFE_SECONDS',
    default: 86_400,
    summary:
      'Seconds after which a sandbox is released even when it is used; 0 is never. The one that callers share who name none is kept.',
  },
  softFileFailures: {
    ...flag(),
    env: 'PADDOCK_SOFT_FILE_FAILURES',
    default: false,
    summary:
      'Answer failures of file operations 200 with success: false, as the published servers do. Some clients take them for success.',
  },
  memoryLimitMib: {
    ...integer(0, 16_777_216),
    env: 'PADDOCK_MEMORY_LIMIT_MIB',
    default: 2_048,
    summary: 'Memory that one sandbox may use, in MiB; 0 is no limit.',
  },
  cpuLimit: {
    ...amount(0, 4_096),
    env: 'PADDOCK_CPU_LIMIT',
    default: 0,
    summary: 'Processors that one sandbox may keep busy, such as 1.5; 0 is no limit.',
  },
  processLimit: {
    ...integer(0, 4_194_304),
    env: 'PADDOCK_PROCESS_LIMIT',
    default: 1_024,
    summary: 'Processes and threads that one sandbox may have at once; 0 is no limit.',
  },
  templates: {
    kind: 'map',
    schema: templatesSchema,
    expected: `a map of names to any of ${templateFields.join(', ')}, as JSON where it is text`,
    env: 'PADDOCK_TEMPLATES',
    default: {},
    defaultText: 'none',
    summary:
      'Kinds of sandboxes that a create can ask for by name, each with a pool of its own (warmSandboxes: 0 when absent). What one leaves out is as for all; env is what its commands get. With engine kubernetes a pool is a Deployment with the label paddock.dev/template.',
  },
  createTimeoutSeconds: {
    ...seconds(1, 3_600),
    env: 'PADDOCK_CREATE_TIMEOUT_SECONDS',
    default: 25,
    summary: 'Seconds after which a create answers "still starting" and goes on.',
  },
  drainSeconds: {
    ...seconds(0, 3_600),
    env: 'PADDOCK_DRAIN_SECONDS',
    default: 10,
    summary: 'Seconds that open requests get to end when the gateway stops.',
  },
  auditFile: {
    ...path(),
    env: 'PADDOCK_AUDIT_FILE',
    summary: 'A file for the audit, besides the log: a line for each create and end of a sandbox.',
  },
  logLevel: {
    ...choice(['debug', 'info', 'warn', 'error']),
    env: 'PADDOCK_LOG_LEVEL',
    default: 'info',
    summary: 'The least important messages that are logged.',
  },
} satisfies Record<string, Setting>;

type Settings = typeof settings;

/** The key of a setting. */
export type SettingKey = keyof Settings;

/** The checked settings. Paths are absolute; what has no default may be undefined. */
export type Config = {
  readonly [Key in SettingKey]:
    | z.output<Settings[Key]['schema']>
    | (Settings[Key] extends { default: unknown } ? never : undefined);
};

/** The keys of all settings, in the order of the table. */
export const settingKeys = Object.keys(settings).filter(isSettingKey);

/** True for the key of a setting. */
export function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(settings, key);
}

/** The flag of a setting, such as `--max-sandboxes`; none for a secret. */
export function flagOf(key: SettingKey): string | undefined {
  const row: Setting = settings[key];
  return row.secret ? undefined : `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Variables of ours that are no settings, with what they are for. */
export const otherVariables: Readonly<Record<string, string>> = {
  PADDOCK_CONFIG: 'The configuration file, as --config.',
  PADDOCK_URL: 'The gateway that the command line talks to, as --url.',
  PADDOCK_READY_FD: 'The descriptor on which the gateway says that it serves; standard output when absent.',
  PADDOCK_EXIT_WITH_STDIN:
    'At 1 the gateway stops when its standard input ends, so that it never outlives its parent.',
};

function stateHome(env: Environment): string {
  const home = env.XDG_STATE_HOME;
  // The XDG base directory specification: a relative path is invalid and ignored.
  return home?.startsWith('/') ? `${home}/paddock` : '~/.local/state/paddock';
}
