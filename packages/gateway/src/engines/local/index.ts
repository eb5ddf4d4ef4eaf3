export { LocalEngine } from './engine.ts';
