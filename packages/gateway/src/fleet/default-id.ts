/** The id of the sandbox that callers share who name none. */
export const defaultId = 'default';
