/** What a sandbox's first answer says of how it came to be. */

/** Its server had ended, for a cause in words. */
export function restarted(cause: string): string {
  return `The sandbox was restarted (${cause}). Its files are kept; sessions lost, and with them shells, variables and running commands.`;
}

/** The one before it has ended, for a reason in words where that is known. */
export function replaced(reason?: string): string {
  const why = reason === undefined ? '' : ` (${reason})`;
  return `The sandbox that had this id has ended${why}, and its files are gone. This is a new one.`;
}
