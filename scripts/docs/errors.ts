import { type ErrorCode, errorCatalogue, isErrorCode } from '@paddock/protocol';
import { repeatAfter, sharedErrors } from '@paddock/protocol/docs';
import { code, table } from './table.ts';

/** docs/errors.md: every failure of the catalogue. */
export function errorsPage(): string {
  return [
    introduction,
    table(
      ['code', 'status', 'what happened', 'what to do', 'the same again'],
      Object.keys(errorCatalogue).filter(isErrorCode).map(row),
    ),
    '## Shared errors',
    'An operation lists its own errors in [api.md](api.md). Besides, these can come:',
    sharedErrors.map(({ by, codes }) => `- from ${by}: ${codes.map(code).join(', ')}`).join('\n'),
  ]
    .join('\n\n')
    .concat('\n');
}

const introduction = `# Errors

A failure answers with a status of 400 or more and this body, always short:

\`\`\`json
{"success": false, "message": "what happened, here", "data": null, "code": "session_busy", "hint": "what to do"}
\`\`\`

Programs go by \`code\`, which is stable; \`message\` and \`hint\` are for people and agents. One failure has a body of its own,
since published clients read no other: 422, a request that does not fit, is \`{"detail": [{"loc", "msg", "type"}]}\`.

Whether the same request may be sent again:

- **safe**: nothing was done, and it may succeed later. \`Retry-After\` says when, where it is known.
- **corrected**: nothing was done, and it fails the same way until something is changed.
- **checked**: something may have been done. Look before you send it again.

Clients repeat 408, 429 and 5xx by themselves, so no command that was started is ever answered so.`;

function row(name: ErrorCode): string[] {
  const { status, what, todo } = errorCatalogue[name];
  return [`<a id="${name}"></a>${code(name)}`, String(status), what, todo, repeatAfter(name)];
}
