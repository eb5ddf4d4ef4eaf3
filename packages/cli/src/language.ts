import { basename, extname } from 'node:path';
import { CliError } from './failure.ts';

/** How programs of a language are run, and what their files are called. */
export const languages = {
  python: { interpreter: 'python3', extensions: ['.py'] },
  node: { interpreter: 'node', extensions: ['.js', '.mjs', '.cjs', '.ts', '.mts'] },
  bash: { interpreter: 'bash', extensions: ['.sh', '.bash'] },
} as const;

type Language = keyof typeof languages;

/** A program to run in a sandbox. */
export interface Program {
  readonly name: string;
  readonly interpreter: string;
  readonly content: Buffer;
}

/**
 * What to run a file with: what was asked for, else what its name or its `#!` line says.
 *
 * @throws CliError when nothing tells.
 */
export function programOf(file: string, content: Buffer, asked: string | undefined): Program {
  const language = find(([name]) => name === asked) ?? byName(file) ?? byFirstLine(content);
  if (!language) {
    throw new CliError(`the language of ${file === '-' ? 'standard input' : file} is not known`, {
      hint: `Add --lang ${Object.keys(languages).join('|')}.`,
    });
  }
  const { interpreter, extensions } = languages[language];
  return { name: file === '-' ? `main${extensions[0]}` : basename(file), interpreter, content };
}

function byName(file: string): Language | undefined {
  const extension = extname(file).toLowerCase();
  return find(([, { extensions }]) => extensions.some((known) => known === extension));
}

function byFirstLine(content: Buffer): Language | undefined {
  const line = content.subarray(0, 200).toString('latin1').split('\n', 1)[0] ?? '';
  const program = /^#!\s*(?:\S*\/env\s+)?(?:\S*\/)?([a-z]+)/.exec(line)?.[1];
  return find(
    ([name, { interpreter }]) =>
      program === name || program === interpreter || (program === 'sh' && name === 'bash'),
  );
}

type Row = [Language, { readonly interpreter: string; readonly extensions: readonly string[] }];

function find(fits: (row: Row) => boolean): Language | undefined {
  return (Object.entries(languages) as Row[]).find(fits)?.[0];
}
