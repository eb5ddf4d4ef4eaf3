import { CliError } from '../failure.ts';

/**
 * The character that a key sends, by the name that people write: `^]`, `ctrl-p`; undefined for `none`.
 *
 * @throws CliError for a name that is none.
 */
export function detachKey(name: string): string | undefined {
  if (name === 'none') return undefined;
  const [, letter = ''] = /^(?:\^|ctrl-)([a-z@[\\\]^_])$/i.exec(name) ?? [];
  if (letter === '') {
    throw new CliError(`there is no key ${JSON.stringify(name)}`, {
      hint: 'Write it as ^] or ctrl-p, or none for no such key.',
    });
  }
  return String.fromCharCode(letter.toUpperCase().charCodeAt(0) & 0x1f);
}
