/** HTML that is safe because only what went through `html` is taken as it is. */

/** A piece of HTML. */
export interface Html {
  readonly html: string;
}

type Part = Html | string | number | undefined | readonly Part[];

/** A template of HTML: text that is put in is escaped, pieces and lists of pieces are not. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const filled = strings.map((string, i) => `${string}${i < parts.length ? render(parts[i]) : ''}`);
  return { html: filled.join('') };
}

/** Text of ours that is HTML already, such as a style sheet. */
export function verbatim(text: string): Html {
  return { html: text };
}

/** The HTML as text. */
export function render(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'string' || typeof part === 'number') return escaped(String(part));
  return 'html' in part ? part.html : part.map(render).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
