/**
 * Reduces a published OpenAPI document to the shape that test/conformance compares ours with:
 *
 *     node scripts/published.ts openapi.json > test/conformance/published/VERSION.json
 */
import { readFileSync } from 'node:fs';
import { type OpenApiDocument, shapeOf } from '../test/conformance/shape.ts';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: node scripts/published.ts FILE');
const document = JSON.parse(readFileSync(file, 'utf8')) as OpenApiDocument & { info: { version: string } };
const source = `OpenAPI document of the all-in-one sandbox, API version ${document.info.version}, reduced by scripts/published.ts`;
const lines = Object.entries(shapeOf(document)).map(
  ([name, shape]) => `    ${JSON.stringify(name)}: ${JSON.stringify(shape)}`,
);
console.log(`{\n  "source": ${JSON.stringify(source)},\n  "operations": {\n${lines.join(',\n')}\n  }\n}`);
