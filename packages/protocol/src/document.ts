/** The description of the API, served beside it: for programs and for people. */
import * as z from 'zod/mini';
import { nothing } from './fields.ts';
import { downloadOperation, type OperationTable, operation } from './operation.ts';

export const document = {
  api: {
    openapi: operation({
      method: 'GET',
      path: '/openapi.json',
      summary: 'This API as an OpenAPI 3.1 document.',
      request: nothing,
      response: () => z.record(z.string(), z.unknown()),
      answer: 'plain',
    }),
    docs: downloadOperation({
      method: 'GET',
      path: '/docs',
      summary: 'This API as a page to read, complete in itself.',
      request: nothing,
    }),
  },
} satisfies OperationTable;
