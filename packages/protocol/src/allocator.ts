/**
 * Variables for the program of a sandbox server, which its commands are not to inherit. glibc gives back what is free at
 * the end of its heap beyond this, in bytes; by itself it raises the limit with the largest block that it has freed.
 */
export const allocatorEnv = { MALLOC_TRIM_THRESHOLD_: '131072' } as const;
