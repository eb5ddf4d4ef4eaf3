/** What lies in docker/k8s, as objects, and its scripts, run without a cluster. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { root } from '../support/source.ts';

export const folder = join(root, 'docker/k8s');

/** A Kubernetes object, as the tests look into it. */
export interface KubernetesObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Labels;
    readonly annotations?: Labels;
  };
  // biome-ignore lint/suspicious/noExplicitAny: what is in it differs by kind; a test that reads what is not there fails.
  readonly spec: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly [field: string]: any;
}
export type Labels = Readonly<Record<string, string>>;

/** The files that are applied by hand, in that order. */
export const files = ['namespace.yaml', 'sandbox-service.yaml', 'sandbox-deployment.yaml'] as const;

/** The text of a file of the folder. */
export function textOf(file: string): string {
  return readFileSync(join(folder, file), 'utf8');
}

/** The objects in a text of several documents. */
export function objectsIn(text: string): KubernetesObject[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors[0]) throw document.errors[0];
    return document.toJS();
  });
}

/** Every object that the three files describe. */
export function allObjects(): KubernetesObject[] {
  return files.flatMap((file) => objectsIn(textOf(file)));
}

/** Runs lines of bash after the parts of the script, with nothing of this machine's but what is named. */
export function runParts(lines: string, options: { input?: string; env?: Labels } = {}) {
  const parts = [
    'say',
    'options',
    'cluster',
    'conflicts',
    'manifests',
    'images',
    'skills',
    'rollout',
    'check',
  ];
  const sources = parts.map((part) => `. "$here/setup/${part}.sh"`);
  const program = ['set -euo pipefail', `here='${folder}' project='${root}'`, ...sources, lines].join('\n');
  return finished('bash', ['-c', program], options);
}

/** Runs the script itself. */
export function runSetup(args: readonly string[], env: Labels = {}) {
  return finished('/bin/bash', [join(folder, 'setup.sh'), ...args], { env });
}

function finished(
  program: string,
  args: string[],
  { input = '', env = {} }: { input?: string; env?: Labels },
) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    input,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, HOME: process.env.HOME, ...env },
  });
  if (error) throw error;
  return { exitCode: status, stdout, stderr };
}
