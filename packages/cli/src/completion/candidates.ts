import { Gateway } from '@paddock/client/parts';
import type { Argument, Command, Option } from 'commander';
import { type GlobalOptions, reachOf } from '../reach.ts';
import { sandboxesOf } from '../sandboxes.ts';

/** The line that asks the shell to add its own files. */
export const alsoFiles = ':files';

/**
 * What may stand in the place of the last of some words, a line each: the candidate, a tab, what it means.
 *
 * @param words What follows `paddock` up to the cursor.
 */
export async function candidates(program: Command, words: readonly string[]): Promise<string[]> {
  const word = words.at(-1) ?? '';
  const { command, given, option, position } = read(program, words.slice(0, -1));
  const found = await (async () => {
    if (given.behindDashes) return [alsoFiles];
    if (option) return option.argChoices ?? [alsoFiles];
    if (word.startsWith('-')) return [...(command?.options ?? []), ...program.options].map(described);
    if (command === undefined) return [];
    if (command === program) return program.commands.filter(isShown).map(nameOf);
    const argument = command.registeredArguments[position] ?? command.registeredArguments.at(-1);
    const isOver = position >= command.registeredArguments.length && argument?.variadic !== true;
    return argument && !isOver ? valuesOf(argument, given.options) : [];
  })();
  return found.filter((line) => line === alsoFiles || line.startsWith(word));
}

/** Where a command line has come to before its last word. */
interface Reading {
  /** Undefined for one that is not known. */
  readonly command: Command | undefined;
  readonly given: { readonly behindDashes: boolean; readonly options: GlobalOptions };
  /** The option whose value comes next. */
  readonly option: Option | undefined;
  /** How many arguments the command has got. */
  readonly position: number;
}

function read(program: Command, words: readonly string[]): Reading {
  let command: Command | undefined = program;
  let option: Option | undefined;
  let position = 0;
  const options: Record<string, string> = {};
  for (const word of words) {
    if (word === '--')
      return { command, given: { behindDashes: true, options }, option: undefined, position };
    if (option) {
      options[option.attributeName()] = word;
      option = undefined;
    } else if (word.startsWith('-')) {
      const named = [...(command?.options ?? []), ...program.options].find(
        ({ long, short }) => word === long || word === short,
      );
      option = named?.required ? named : undefined;
    } else if (command === program) {
      command = program.commands.find((known) => known.name() === word);
    } else {
      position++;
    }
  }
  return { command, given: { behindDashes: false, options }, option, position };
}

const described = ({ long, short, description }: Option) => `${long ?? short}\t${description}`;
const nameOf = (command: Command) => `${command.name()}\t${command.description()}`;
const isShown = (command: Command) => !command.name().startsWith('_');

async function valuesOf(argument: Argument, options: GlobalOptions): Promise<readonly string[]> {
  if (argument.argChoices) return argument.argChoices;
  switch (argument.name()) {
    case 'id':
    case 'ids':
      return await sandboxIds(options);
    case 'new-id':
      return [];
    case 'source':
    case 'target':
      return [...(await sandboxIds(options)).map((id) => `${id}:`), alsoFiles];
    default:
      return [alsoFiles];
  }
}

/** A shell that waits longer seems to hang. */
const limitMs = 1_000;

async function sandboxIds(options: GlobalOptions): Promise<string[]> {
  try {
    const gateway = new Gateway({ ...reachOf(options), signal: AbortSignal.timeout(limitMs) });
    const sandboxes = await sandboxesOf(gateway, { all: true });
    return sandboxes.map(({ sandbox_id }) => sandbox_id);
  } catch {
    return []; // Nothing can be told to somebody who is typing.
  }
}
