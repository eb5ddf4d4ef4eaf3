export { isFileFault } from './errors.ts';
export { fileRoutes } from './routes.ts';
