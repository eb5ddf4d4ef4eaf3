/** The API as a page: one file that asks for nothing else, so that it also works where there is no internet. */
import { createHash } from 'node:crypto';
import type { BytesAnswer } from '@paddock/http';
import { aio, document, provisioner } from '@paddock/protocol';
import { describeApi } from '@paddock/protocol/docs';
import { html, render } from './html.ts';
import { page } from './page.ts';
import { script } from './script.ts';
import { style } from './style.ts';

/** Stands in the rendered page for where its reader reaches the gateway. The name can exist nowhere (RFC 2606). */
const originMark = 'http://origin.invalid';

/** Renders the page once; what it gives answers with the page as seen from an origin. */
export function docsPage(options: { keyed: boolean; version: string }): (origin: string) => BytesAnswer {
  const groups = describeApi([aio, provisioner, document]);
  const rendered = render(page({ ...options, groups, origin: originMark }));
  return (origin) => answer(rendered.replaceAll(originMark, render(html`${origin}`)));
}

function answer(text: string): BytesAnswer {
  const body = Buffer.from(text);
  return {
    kind: 'bytes',
    status: 200,
    headers: { ...headers, 'content-length': body.length },
    async *chunks() {
      yield body;
    },
    async [Symbol.asyncDispose]() {},
  };
}

const headers = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-cache',
  'content-security-policy': [
    "default-src 'none'",
    `style-src ${hashOf(style)}`,
    `script-src ${hashOf(script)}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

function hashOf(inline: string): string {
  return `'sha256-${createHash('sha256').update(inline).digest('base64')}'`;
}
