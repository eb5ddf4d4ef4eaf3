/** docker/k8s/README.md as its readers take it: sections, the commands of their bash blocks, what else they show. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lexer, type Token, walkTokens } from 'marked';
import { guideFolder } from '../setup.ts';

/** A part of the guide under one heading. */
export interface Section {
  /** Its headings below the title: `Quick Start / 2. Run Setup Script`. */
  readonly path: string;
  /** The commands of its bash blocks, one by one, each as it is written there. */
  readonly commands: readonly string[];
  /** What stands as code in its sentences. */
  readonly inline: readonly string[];
  /** Its blocks in another language than bash, or in none. */
  readonly shown: readonly Block[];
}

interface Block {
  /** What is written behind the fence; empty for nothing. */
  readonly language: string;
  readonly text: string;
}

/** Every section of the guide, in its order. */
export function readGuide(): Section[] {
  return sectionsOf(readFileSync(join(guideFolder, 'README.md'), 'utf8'));
}

/** The sections of a text in Markdown. */
export function sectionsOf(markdown: string): Section[] {
  const sections: (Section & { commands: string[]; inline: string[]; shown: Block[] })[] = [];
  const headings: string[] = [];
  walkTokens(lexer(markdown), (untyped) => {
    const token = untyped as Token;
    if (token.type === 'heading') {
      headings.splice(Math.max(token.depth - 2, 0), Infinity, token.text);
      sections.push({ path: headings.join(' / '), commands: [], inline: [], shown: [] });
    } else if (token.type === 'code') {
      if (token.lang === 'bash') sections.at(-1)?.commands.push(...commandsOf(token.text));
      else sections.at(-1)?.shown.push({ language: token.lang ?? '', text: token.text });
    } else if (token.type === 'codespan') {
      sections.at(-1)?.inline.push(token.text);
    }
  });
  return sections;
}

/** Without comments and empty lines; lines that end with a backslash go on in the next. */
function commandsOf(block: string): string[] {
  const commands: string[] = [];
  let begun = '';
  for (const line of block.split('\n')) {
    if (begun === '' && /^\s*(#|$)/.test(line)) continue;
    begun += line;
    if (line.endsWith('\\')) begun += '\n';
    else {
      commands.push(begun);
      begun = '';
    }
  }
  return commands;
}
