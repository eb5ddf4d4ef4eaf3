/** Holds our API against the published ones: clients of each must find what they send accepted, and what they read there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { aio, version } from '@paddock/protocol';
import { renderOpenApi } from '@paddock/protocol/openapi';
import { describe, expect, it } from 'vitest';
import { misfits, unknownFields } from './fits.ts';
import { type ApiShape, type OpenApiDocument, type OperationShape, type Shape, shapeOf } from './shape.ts';

const ours = shapeOf(renderOpenApi({ title: 'Paddock', version }, [aio]) as unknown as OpenApiDocument);

const inWords = 'the published schema takes any text, its description names just these values';
const documents =
  'office documents are viewed as the files that they are: fields that select a part of one are ignored';

/** Where we differ, and why no client minds. A test fails when a line is no longer needed. */
const differences: Readonly<Record<string, string>> = {
  'POST /v1/file/list body: sort_by: any string instead of name | size | modified | type': inWords,
  'POST /v1/file/glob body: sort_by: any string instead of path | name | size | modified': inWords,
  'POST /v1/bash/kill body: signal: any string instead of SIGTERM | SIGKILL | SIGINT': inWords,
  'POST /v1/file/str_replace_editor body: page_range is not known': documents,
  'POST /v1/file/str_replace_editor body: sheet_name is not known': documents,
  'POST /v1/file/str_replace_editor body: row_range is not known': documents,
  'POST /v1/file/str_replace_editor body: slide_range is not known': documents,
  'POST /v1/file/str_replace_editor body: enable_metadata is not known': documents,
};

const places = ['path', 'query', 'body'] as const;
const object: Shape = { type: 'object' };

describe.each(['1.0.0.156', '1.7.0', '1.9.4'])('a client of the published API %s', (apiVersion) => {
  const published = readShape(apiVersion);
  const both = Object.entries(ours).flatMap(([name, own]) => {
    const theirs = published[name];
    return theirs ? [[name, own, theirs] as const] : [];
  });

  it('finds operations that it knows', () => {
    expect(both.length).toBeGreaterThan(8);
  });

  it.each(both)('%s: has its requests accepted', (name, own, theirs) => {
    expect(unexplained(name, requestFaults(own, theirs))).toEqual([]);
  });

  it.each(both)('%s: gets the answers that it can read', (name, own, theirs) => {
    expect(unexplained(name, answerFaults(own, theirs))).toEqual([]);
  });
});

describe('a known difference', () => {
  it('is in the list only as long as it is there', () => {
    const found = new Set(
      ['1.0.0.156', '1.7.0', '1.9.4'].flatMap((apiVersion) =>
        Object.entries(readShape(apiVersion)).flatMap(([name, theirs]) => {
          const own = ours[name];
          return own
            ? [...requestFaults(own, theirs), ...answerFaults(own, theirs)].map((fault) => `${name} ${fault}`)
            : [];
        }),
      ),
    );
    expect(Object.keys(differences).filter((difference) => !found.has(difference))).toEqual([]);
  });
});

function requestFaults(own: OperationShape, theirs: OperationShape): string[] {
  return places.flatMap((place) => {
    const [sent, accepted] = [theirs[place] ?? object, own[place] ?? object];
    return [
      ...unknownFields(sent, accepted).map((field) => `${place}: ${field} is not known`),
      ...misfits(sent, accepted).map((fault) => `${place}: ${fault}`),
    ];
  });
}

function answerFaults(own: OperationShape, theirs: OperationShape): string[] {
  return misfits(own.answer ?? {}, theirs.answer ?? {}).map((fault) => `answer: ${fault}`);
}

function unexplained(name: string, faults: readonly string[]): string[] {
  return faults.filter((fault) => !(`${name} ${fault}` in differences));
}

function readShape(apiVersion: string): ApiShape {
  const path = join(import.meta.dirname, 'published', `${apiVersion}.json`);
  return (JSON.parse(readFileSync(path, 'utf8')) as { operations: ApiShape }).operations;
}
