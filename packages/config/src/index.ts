export type { Config, Environment, SettingKey, Template } from '@paddock/protocol/config';
export { ConfigError, type ConfigProblem } from './error.ts';
export { loadKeys } from './keys.ts';
export { type Loaded, type LoadOptions, loadConfig } from './load.ts';
export { describeSource, type Source } from './source.ts';
