import {
  flagOf,
  otherVariables,
  type Setting,
  type SettingKey,
  settingKeys,
  settings,
  templateFields,
} from '@paddock/protocol/config';
import { stringify } from 'yaml';
import { code, table } from './table.ts';

/** docs/configuration.md: every setting of the gateway. */
export function configurationPage(): string {
  return [
    introduction,
    table(['key', 'what', 'default', 'expected', 'variable', 'flag'], settingKeys.map(row)),
    '## Other variables',
    table(
      ['variable', 'what'],
      Object.entries(otherVariables).map(([name, what]) => [code(name), what]),
    ),
    '## Example',
    '`paddock.yaml` with every setting at its default; what has none is commented out.',
    `\`\`\`yaml\n${exampleFile()}\`\`\``,
    templatesSection,
  ]
    .join('\n\n')
    .concat('\n');
}

const introduction = `# Configuration

The gateway's settings come from four places. A flag of \`paddock serve\` wins over an environment variable, that over
\`paddock.yaml\`, that over the default. The file is the one that \`--config\` or \`PADDOCK_CONFIG\` names, else \`paddock.yaml\` in
the current folder when there is one. Relative paths start from the file's folder when they stand in the file, else from the
current folder; \`~\` is the home folder.

Everything is checked at the start, also what is overridden: a wrong key or value stops the gateway with a line that names
it, where it came from, and what was expected. An unknown \`PADDOCK_\` variable is a warning. Secrets have no flag, since every
user of a machine can read the arguments of a process.`;

const templatesSection = `## Templates

Kinds of sandboxes, each with a pool of its own. \`POST /api/sandboxes\` with \`"template": "research"\` takes one of:

\`\`\`yaml
templates:
  research:
    warmSandboxes: 1
    memoryLimitMib: 4096
    network: outbound
    skillsPath: ./research-skills
    env: { TEAM: research }
\`\`\`

A template may have ${templateFields.map(code).join(', ')}; what it leaves out is as for all sandboxes.

With \`engine: kubernetes\` a template's pods are those of the Deployment in the namespace that has the label \`paddock.dev/template\` with
its name: a copy of \`docker/k8s/sandbox-deployment.yaml\` under another \`metadata.name\`, with \`paddock.dev/template: research\` beside each
\`app: deer-flow-sandbox\` (of the Deployment, the selector, the pods), and with the image, the resources or the replicas that it is for. It counts
from when it is applied until it is deleted, which ends its sandboxes; the setting \`templates\` need not name it. Of what the setting says only \`env\`
holds there, and a template that has no Deployment takes the pods of all.`;

function row(key: SettingKey): string[] {
  const setting: Setting = settings[key];
  const flag = flagOf(key);
  return [
    code(key),
    setting.summary,
    defaultInWords(setting),
    setting.expected,
    code(setting.env),
    flag === undefined ? '' : code(flag),
  ];
}

function defaultInWords({ default: value, defaultText }: Setting): string {
  if (defaultText !== undefined) return defaultText;
  if (value === undefined) return 'none';
  if (Array.isArray(value) && value.length === 0) return 'none';
  return code(String(value));
}

/** A configuration file with every setting. */
function exampleFile(): string {
  return settingKeys
    .map((key) => {
      const { summary, default: value }: Setting = settings[key];
      const comment = wrapped(summary, 100)
        .map((line) => `# ${line}\n`)
        .join('');
      const isFixed = value !== undefined && typeof value !== 'function';
      return `${comment}${isFixed ? stringify({ [key]: value }) : `# ${key}: …\n`}`;
    })
    .join('\n');
}

/** The words in lines of at most this many characters, but for a word that is longer. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
