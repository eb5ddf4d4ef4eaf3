export { describeSandbox } from './describe.ts';
export { contextRoutes } from './routes.ts';
