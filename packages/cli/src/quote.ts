/** Arguments as one bash command that gives each of them on unchanged. */
export function quote(args: readonly string[]): string {
  return args.map((arg) => `'${arg.replaceAll("'", `'\\''`)}'`).join(' ');
}
