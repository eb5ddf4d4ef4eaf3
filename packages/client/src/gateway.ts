import { provisioner } from '@paddock/protocol/provisioner';
import { type ConnectionOptions, connectionTo } from './connection.ts';
import { type Methods, methodsOf } from './methods.ts';

type Provisioner = Methods<typeof provisioner>;

/**
 * A gateway: creates, lists and ends sandboxes.
 *
 * @example
 * const gateway = new Gateway({ baseUrl: 'http://127.0.0.1:8080' });
 * const { sandboxes } = await gateway.sandboxes.list();
 */
export class Gateway implements Provisioner {
  readonly service: Provisioner['service'];
  readonly sandboxes: Provisioner['sandboxes'];

  /** @throws TypeError when the base URL is no http or https URL. */
  constructor(options: ConnectionOptions = {}) {
    ({ service: this.service, sandboxes: this.sandboxes } = methodsOf(provisioner, connectionTo(options)));
  }
}
