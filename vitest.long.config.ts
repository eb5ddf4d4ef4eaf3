/** Promises that take minutes to see: `make test-long`. */
import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

export default defineConfig({ test: { ...base.test, include: ['test/**/*.long.ts'] } });
