import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Variables that tell installers where packages come from and whom to trust on the way there. */
const variables = [
  ...[
    'PIP_INDEX_URL',
    'PIP_EXTRA_INDEX_URL',
    'PIP_TRUSTED_HOST',
    'PIP_DEFAULT_TIMEOUT',
    'PIP_RETRIES',
    'PIP_PROXY',
  ],
  ...[
    'UV_INDEX',
    'UV_INDEX_URL',
    'UV_DEFAULT_INDEX',
    'UV_EXTRA_INDEX_URL',
    'NPM_CONFIG_REGISTRY',
    'GOPROXY',
    'GONOSUMDB',
  ],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'],
];

/** Variables that name certificates. They pass only when what they name can be seen in a sandbox. */
const certificateVariables = [
  ...['PIP_CERT', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'],
  ...['NODE_EXTRA_CA_CERTS', 'GIT_SSL_CAINFO'],
];
const visible = /^\/(etc\/ssl\/certs|etc\/pki|usr)(\/|$)/;

/** Settings in files of the user's, each with the variable that says the same. */
const userFiles = [
  { file: '.npmrc', setting: /^\s*registry\s*=\s*(\S+)/m, variable: 'NPM_CONFIG_REGISTRY' },
  { file: '.config/pip/pip.conf', setting: /^\s*index-url\s*=\s*(\S+)/m, variable: 'PIP_INDEX_URL' },
] as const;

/**
 * The machine's settings for package indexes, as variables for sandboxes. Of files of the user's only the index is
 * read: what else lies there, such as tokens, is no business of a sandbox's.
 */
export function packageIndexes(env: NodeJS.ProcessEnv): Record<string, string> {
  const passed = variables.map((name) => [name, env[name]] as const);
  const certificates = certificateVariables.map(
    (name) => [name, visible.test(env[name] ?? '') ? env[name] : undefined] as const,
  );
  const fromFiles = userFiles.map(({ file, setting, variable }) => {
    return [variable, setting.exec(readIfThere(join(env.HOME ?? homedir(), file)))?.[1]] as const;
  });
  return Object.fromEntries(
    [...fromFiles, ...passed, ...certificates].flatMap(([name, value]) => (value ? [[name, value]] : [])),
  );
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // Most users have no such file, or it is not ours to read.
  }
}
