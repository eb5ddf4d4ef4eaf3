import { InvalidInput } from '@paddock/http';

/** What begins the targets that are for programs. */
export const programPrefix = '/proxy/';

/** A program, and what is asked of it. */
export interface ProgramTarget {
  readonly port: number;
  /** Path and query as they were sent: what they mean is for the program to say. Empty when nothing follows the port. */
  readonly rest: string;
}

const highestPort = 65_535;

/**
 * Reads `/proxy/{port}/…`.
 *
 * @param ownPort the one that the sandbox server itself listens on.
 * @throws {InvalidInput} for what is no port of a program.
 */
export function programTarget(target: string, ownPort: number | undefined): ProgramTarget {
  const [, digits = '', rest = ''] = /^([^/?]*)(.*)$/s.exec(target.slice(programPrefix.length)) ?? [];
  const port = Number(digits);
  if (!/^[1-9]\d*$/.test(digits) || port > highestPort)
    throw invalidPort(`must be a number from 1 to ${highestPort}`);
  if (port === ownPort) throw invalidPort('is the port of the sandbox server itself');
  return { port, rest };
}

function invalidPort(msg: string): InvalidInput {
  return new InvalidInput([{ loc: ['path', 'port'], msg, type: 'value_error' }]);
}
