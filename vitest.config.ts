import { defineConfig } from 'vitest/config';

const project = (name: string, include: string[], testTimeout: number, globalSetup: string[] = []) => ({
  extends: true as const,
  test: { name, include, testTimeout, setupFiles: ['test/infrastructure/property-seed.ts'], hookTimeout: 300_000, globalSetup: ['test/infrastructure/scratch.ts', ...globalSetup] },
});

/** Starts (or finds) one Kafka broker and one Redis for the projects that need them. */
const broker = ['test/infrastructure/global-setup.ts'];

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      project('unit', ['{lib,services,schemas,tools,bench}/**/*.test.ts', 'test/house/**/*.test.ts', 'test/histories/**/*.test.ts'], 60_000),
      project('fuzz', ['test/fuzz/**/*.test.ts'], 120_000),
      project('contract', ['test/contract/**/*.test.ts'], 120_000, broker),
      project('simulation', ['test/simulation/**/*.test.ts'], 300_000),
      project('browser', ['test/browser/**/*.test.ts'], 120_000),
      project('deploy', ['test/deploy/**/*.test.ts'], 600_000),
      project('integration', ['test/integration/**/*.test.ts'], 600_000, broker),
    ],
  },
});
