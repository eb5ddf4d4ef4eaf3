/** Writes the generated pages of docs/. */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generatedPages } from './docs/pages.ts';

const root = dirname(import.meta.dirname);

for (const { path, text } of generatedPages()) {
  writeFileSync(join(root, path), text);
  console.log(`wrote ${path}`);
}
