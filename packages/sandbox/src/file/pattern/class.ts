import { literal, readEscape } from './escape.ts';
import { PatternError, type Scanner } from './scanner.ts';

const posix: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\0-\\x7f',
  blank: '\\t\\x20',
  cntrl: '\\0-\\x1f\\x7f',
  digit: '0-9',
  graph: '\\x21-\\x7e',
  lower: 'a-z',
  print: '\\x20-\\x7e',
  punct: '\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e',
  space: '\\t-\\r\\x20',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

/** Reads a class whose opening bracket has been taken; gives it in the syntax of JavaScript's `v` flag. */
export function readClass(scanner: Scanner): string {
  const negated = scanner.accept('^');
  // What stands between set operators is a class of its own, since JavaScript does not mix them with ranges.
  const parts: string[] = [];
  let operator = '';
  let items = '';
  const close = () => {
    parts.push(`[${items}]`);
    items = '';
  };
  for (let isFirst = true; ; isFirst = false) {
    if (scanner.peek() === ']' && !isFirst) {
      scanner.take();
      break;
    }
    const found = ['&&', '--'].find((sign) => scanner.peek() === sign[0] && scanner.peek(1) === sign[1]);
    if (found && !(found === '--' && isFirst)) {
      if (operator && operator !== found) throw new PatternError('set operators cannot be mixed in a class');
      scanner.accept(found);
      operator = found;
      close();
    } else if (scanner.accept('~~')) {
      throw new PatternError('~~ is not supported in a class');
    } else {
      items += readItem(scanner);
    }
  }
  if (!operator) return `[${negated ? '^' : ''}${items}]`;
  close();
  return `[${negated ? '^' : ''}${parts.join(operator)}]`;
}

function readItem(scanner: Scanner): string {
  if (scanner.peek() === '[') {
    const name = posixNameAt(scanner);
    if (name) return readPosix(scanner, name);
    scanner.take();
    return readClass(scanner);
  }
  const from = readOne(scanner);
  if ('source' in from) return from.source;
  const isRange =
    scanner.peek() === '-' && scanner.peek(1) !== ']' && scanner.peek(1) !== '-' && scanner.peek(1);
  if (!isRange) return literal(from.char);
  scanner.take();
  const to = readOne(scanner);
  if ('source' in to) throw new PatternError('invalid character class range');
  if ((from.char.codePointAt(0) ?? 0) > (to.char.codePointAt(0) ?? 0)) {
    throw new PatternError('invalid character class range');
  }
  return `${literal(from.char)}-${literal(to.char)}`;
}

function readOne(scanner: Scanner): { readonly char: string } | { readonly source: string } {
  const char = scanner.take();
  if (char !== '\\') return { char };
  const read = readEscape(scanner);
  if (read.kind === 'char') return { char: read.char };
  if (read.kind === 'set') return { source: read.source };
  throw new PatternError('invalid escape sequence found in character class');
}

function posixNameAt(scanner: Scanner): string | undefined {
  let text = '';
  for (let i = 0; i < 12 && scanner.peek(i); i++) text += scanner.peek(i);
  const name = /^\[:(\^?[a-z]+):\]/.exec(text)?.[1];
  return name && Object.hasOwn(posix, name.replace('^', '')) ? name : undefined;
}

function readPosix(scanner: Scanner, name: string): string {
  scanner.accept(`[:${name}:]`);
  const isTurned = name.startsWith('^');
  return isTurned ? `[^${posix[name.slice(1)]}]` : `[${posix[name]}]`;
}
