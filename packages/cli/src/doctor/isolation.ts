import { ConfigError, loadConfig } from '@paddock/config';

/** Whether the settings ask for sandboxes without isolation. */
export function isWithoutIsolation(): boolean {
  try {
    return loadConfig({ argv: [] }).config.isolation === 'none';
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return false; // The check of the settings tells of it.
  }
}
