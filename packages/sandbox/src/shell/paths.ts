/** What a session's shell opens by its path. */
export interface ShellPaths {
  /** Holds a command that is too long for a line. */
  readonly command: string;
  readonly terminal: string;
  readonly reports: string;
}
