/** The shells that can complete the command line. */
export const shells = ['bash', 'zsh', 'fish'] as const;
