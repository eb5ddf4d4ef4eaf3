import type {
  ErrorReference,
  FieldReference,
  OperationReference,
  ResponseReference,
} from '@paddock/protocol/docs';
import { type Html, html } from './html.ts';

/** An operation, folded: its line, and inside of it fields, errors and an example. */
export function operationDetails(
  operation: OperationReference,
  options: { readonly origin: string; readonly keyed: boolean },
): Html {
  const { id, method, path, summary, request, response, errors } = operation;
  return html`<details class="operation" id="${id}" data-words="${words(operation)}">
<summary><b class="method ${method}">${method}</b> <code>${breakable(path)}</code> <span>${prose(summary)}</span></summary>
${request.length > 0 ? html`<h3>Request</h3>\n<ul class="rows">${request.map((field) => fieldRow(field, field.place))}</ul>` : undefined}
<h3>Response</h3>
<p>${answerInWords(response)}</p>
${response.fields.length > 0 ? html`<ul class="rows">${response.fields.map((field) => fieldRow(field))}</ul>` : undefined}
${errors.length > 0 ? html`<h3>Errors</h3>\n<ul class="rows">${errors.map(errorRow)}</ul>` : undefined}
<h3>Example</h3>
<div class="example"><pre>${withOrigin(operation.curl(options), options.origin)}</pre></div>
</details>
`;
}

/** Text in which \`this\` is code. */
export function prose(text: string): Html {
  const parts = text.split('`');
  return html`${parts.map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

function fieldRow({ name, type, required, description }: FieldReference, place?: string): Html {
  const isRequest = place !== undefined;
  const marks = [
    ...(isRequest && required ? [html` <strong>required</strong>`] : []),
    ...(!isRequest && !required ? [html` <em>may be absent</em>`] : []),
    ...(place === 'path' || place === 'query' ? [html` <em>in the ${place}</em>`] : []),
  ];
  return html`<li><div><code>${breakable(name)}</code> <span class="type">${type}</span>${marks}</div><p>${prose(description)}</p></li>`;
}

function errorRow({ code, status, what }: ErrorReference): Html {
  return html`<li><div><code>${code}</code> <span class="type">${status}</span></div><p>${prose(what)}</p></li>`;
}

function answerInWords({ answer, streams, type, fields }: ResponseReference): Html {
  const also = streams
    ? html`With <code>Accept: text/event-stream</code> the output comes as events <code>output</code> while it is printed, then all as one event <code>result</code>. `
    : undefined;
  const isBare = fields.length === 0;
  switch (answer) {
    case 'envelope':
      return isBare ? html`${also}No data: success says it all.` : html`${also}In <code>data</code>:`;
    case 'plain':
      return isBare
        ? html`The body: ${type}.${also}`
        : html`The whole body, with no envelope around it:${also}`;
    case 'bytes':
      return html`The content itself, no JSON.`;
  }
}

/** What the filter looks for. */
function words({ id, method, path, summary, request, response, errors }: OperationReference): string {
  const fields = [...request, ...response.fields].map(({ name }) => name);
  return [id, method, path, summary, ...fields, ...errors.map(({ code }) => code)].join(' ').toLowerCase();
}

/** A long name that may be broken where its parts meet, so that it fits a narrow page. */
export function breakable(name: string): Html {
  return html`${name.split(/(?<=[/.])/).map((part) => html`${part}<wbr>`)}`;
}

/** The page's script puts in what its reader really reached the gateway by. */
function withOrigin(command: string, origin: string): Html {
  const parts = command.split(origin);
  return html`${parts.map((part, i) => (i > 0 ? html`<span class="origin">${origin}</span>${part}` : part))}`;
}
