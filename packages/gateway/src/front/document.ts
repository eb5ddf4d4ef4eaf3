import type { BytesAnswer, Handlers } from '@paddock/http';
import { aio, type document, provisioner, version } from '@paddock/protocol';

export interface DocumentOptions {
  /** Whether callers need a key. */
  readonly keyed: boolean;
  /** What callers reach the gateway by; by default the address that they used. */
  readonly publicUrl: string | undefined;
}

/** The API described, for programs and for people. Each is rendered when it is first asked for. */
export function documentRoutes({ keyed, publicUrl }: DocumentOptions): Handlers<typeof document.api> {
  let openapi: Promise<Record<string, unknown>> | undefined;
  let page: Promise<(origin: string) => BytesAnswer> | undefined;
  return {
    openapi() {
      openapi ??= import('@paddock/protocol/openapi').then(({ renderOpenApi }) =>
        renderOpenApi({ title: 'Paddock', version }, [aio, provisioner]),
      );
      return openapi;
    },

    async docs(_, call) {
      page ??= import('./docs/index.ts').then(({ docsPage }) => docsPage({ keyed, version }));
      return (await page)(publicUrl ?? `http://${call.headers.host}`);
    },
  };
}
