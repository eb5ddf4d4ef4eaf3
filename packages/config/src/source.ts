import type { SettingKey } from '@paddock/protocol/config';

/** Where the value of a setting came from. */
export type Source =
  | { readonly from: 'default' }
  | { readonly from: 'file'; readonly path: string; readonly line: number }
  | { readonly from: 'environment'; readonly variable: string }
  | { readonly from: 'flag'; readonly flag: string };

/** A value as it was found, before it is checked. */
export interface Found {
  readonly key: SettingKey;
  readonly raw: unknown;
  readonly source: Source;
  /** The folder that a relative path starts from. */
  readonly base: string;
}

/** The source in words that can follow "from". */
export function describeSource(source: Source): string {
  switch (source.from) {
    case 'default':
      return 'the default';
    case 'file':
      return `${source.path}:${source.line}`;
    case 'environment':
      return `the variable ${source.variable}`;
    case 'flag':
      return `the flag ${source.flag}`;
  }
}
