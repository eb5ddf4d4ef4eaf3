/** Persistent shell sessions. */
export { shellRoutes } from './routes.ts';
export { ShellSessions } from './sessions.ts';
export { TerminalSockets } from './sockets.ts';
