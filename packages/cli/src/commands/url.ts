import { Gateway } from '@paddock/client/parts';
import { CliError } from '../failure.ts';
import { print } from '../output.ts';
import { type GlobalOptions, openReach } from '../reach.ts';
import { abortOnEnding } from '../signals.ts';

export interface UrlOptions extends GlobalOptions {
  readonly id: string;
  /** That of a program in it. */
  readonly port: string | undefined;
}

const highestPort = 65_535;

/** Prints the base URL of a sandbox, or that of a program that listens in it. */
export async function url({ id, port, ...options }: UrlOptions): Promise<void> {
  if (port !== undefined && !(/^[1-9]\d{0,4}$/.test(port) && Number(port) <= highestPort))
    throw new CliError(`${JSON.stringify(port)} is not a port`, { hint: 'Give a number from 1 to 65535.' });
  using ending = abortOnEnding();
  await using reach = await openReach(options, ending.signal);
  const gateway = new Gateway({ ...reach.connection, signal: ending.signal });
  const { sandbox_url, program_url } = await gateway.sandboxes.get({ sandbox_id: id });
  const found =
    port === undefined
      ? sandbox_url
      : (program_url?.replace('{port}', port) ?? `${sandbox_url}/proxy/${port}/`);
  await print(options.json ? `${JSON.stringify({ url: found })}\n` : `${found}\n`);
}
