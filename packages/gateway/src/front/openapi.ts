import type { Handlers } from '@paddock/http';
import { aio, type document, provisioner, version } from '@paddock/protocol';

/** The API in machine-readable form, rendered when first asked for. */
export function openApiRoutes(): Handlers<typeof document.api> {
  let rendered: Promise<Record<string, unknown>> | undefined;
  return {
    openapi() {
      rendered ??= import('@paddock/protocol/openapi').then(({ renderOpenApi }) =>
        renderOpenApi({ title: 'Paddock', version }, [aio, provisioner]),
      );
      return rendered;
    },
  };
}
