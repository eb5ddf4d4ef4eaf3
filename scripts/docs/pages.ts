import { apiPage } from './api.ts';
import { configurationPage } from './configuration.ts';
import { errorsPage } from './errors.ts';

/** A page that is rendered from the code. */
interface GeneratedPage {
  /** Path from the project's folder. */
  readonly path: string;
  readonly text: string;
}

/** The command that writes the pages. */
export const command = 'make docs';

/** Every generated page of docs/. */
export function generatedPages(): GeneratedPage[] {
  return [
    { path: 'docs/api.md', text: headed('packages/protocol/src', apiPage()) },
    { path: 'docs/errors.md', text: headed('packages/protocol/src/errors.ts', errorsPage()) },
    { path: 'docs/configuration.md', text: headed('packages/protocol/src/config.ts', configurationPage()) },
  ];
}

function headed(source: string, text: string): string {
  return `<!-- Generated from ${source} by \`${command}\`. Change that, not this page. -->\n\n${text}`;
}
