import { type ErrorCode, errorCatalogue } from '@paddock/protocol';
import { type GroupReference, type OperationReference, sharedErrors } from '@paddock/protocol/docs';
import { type Html, html, verbatim } from './html.ts';
import { breakable, operationDetails, prose } from './operation.ts';
import { script } from './script.ts';
import { style } from './style.ts';

/** What the page shows. */
export interface PageOptions {
  readonly version: string;
  readonly groups: readonly GroupReference[];
  /** Scheme, host and port by which its reader reaches the gateway. */
  readonly origin: string;
  /** Whether callers need a key. */
  readonly keyed: boolean;
}

/** The whole page. */
export function page(options: PageOptions): Html {
  const { version, groups } = options;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Paddock API</title>
<style>${verbatim(style)}</style>
</head>
<body>
<header>
<h1>Paddock API <small>${version}</small></h1>
<a href="openapi.json">openapi.json</a>
<input id="search" type="search" placeholder="Filter: path, field, error ( / )" aria-label="Filter the operations" hidden>
</header>
<div class="columns">
<nav aria-label="Operations">${[...groups.map(groupLinks), html`<a class="title" href="#errors">Errors</a>`]}</nav>
<main>
${introduction(options)}
<p id="none" hidden>No operation has all of these words.</p>
${groups.map((group) => groupSection(group, options))}
${errorsSection()}
</main>
</div>
<script>${verbatim(script)}</script>
</body>
</html>
`;
}

function groupLinks({ name, title, operations }: GroupReference): Html {
  return html`<section>
<a class="title" href="#${name}">${title}</a>
<ul>${operations.map(link)}</ul>
</section>
`;
}

function link({ id, method, path }: OperationReference): Html {
  return html`<li data-for="${id}"><a href="#${id}"><b class="method ${method}">${method}</b><span>${breakable(path)}</span></a></li>`;
}

function introduction({ origin, keyed }: PageOptions): Html {
  const key = keyed
    ? html`Send the key with every request, as <code>X-API-Key</code> or <code>Authorization: Bearer</code>.`
    : html`No key is asked for.`;
  return html`<section class="intro">
<p>Base URL: <code class="origin">${origin}</code>. ${key}</p>
<p>A request under <code>/v1</code> goes to a sandbox: the one that the header <code>X-Sandbox-Id</code> names, made on
first use; without it one that all callers share. <code>/s/{id}/v1/…</code> reaches one that exists.</p>
<p>Success is <code>{"success": true, "message", "data", "hint"}</code>, unless the operation says otherwise. A failure has a
status of 400 or more and <code>{"success": false, "message", "data", "code", "hint"}</code>, a request that does not fit is
422 with <code>{"detail": [{"loc", "msg", "type"}]}</code>. Unknown fields are ignored, and <code>null</code> is the same as
absent.</p>
</section>`;
}

function groupSection({ name, title, intro, operations }: GroupReference, options: PageOptions): Html {
  return html`<section class="group" id="${name}">
<h2>${title}</h2>
<p>${prose(intro)}</p>
${operations.map((operation) => operationDetails(operation, options))}
</section>
`;
}

function errorsSection(): Html {
  return html`<section id="errors">
<h2>Errors</h2>
<p>What any operation may answer besides its own errors.</p>
${sharedErrors.map(
  ({ by, codes }) => html`<h3>Shared by ${by}</h3>
<ul class="rows">${codes.map(sharedError)}</ul>
`,
)}
</section>`;
}

function sharedError(code: ErrorCode): Html {
  const { status, what, todo } = errorCatalogue[code];
  return html`<li><div><code>${code}</code> <span class="type">${status}</span></div><p>${prose(what)} ${prose(todo)}</p></li>`;
}
