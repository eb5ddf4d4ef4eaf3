/** Commands in a fresh bash each. */
export { bashRoutes } from './routes.ts';
export { BashSessions } from './sessions.ts';
