/** One word of the shell, on one line whatever it holds: bash then drops it whole when it is interrupted. */
export function quote(text: string): string {
  return `$'${text.replace(/[\\']/g, '\\$&').replace(/\n/g, '\\n')}'`;
}
