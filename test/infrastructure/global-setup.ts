/** Vitest's global set-up of the contract and integration projects: one broker and one Redis for all of their files. */
import type { TestProject } from 'vitest/node';
import { share } from './shared.ts';
import { startInfrastructure } from './start.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    kafkaBrokers: string | null;
    redisUrl: string | null;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { value, leave } = share('infrastructure', startInfrastructure);
  const infrastructure = await value;
  project.provide('kafkaBrokers', infrastructure.kafka?.address ?? null);
  project.provide('redisUrl', infrastructure.redis?.address ?? null);
  return async () => {
    if (leave()) await infrastructure.stop();
  };
}
