/** Vitest's global set-up of the contract and integration projects: one broker and one Redis for all of their files. */
import type { TestProject } from 'vitest/node';
import { startInfrastructure, type Infrastructure } from './start.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    kafkaBrokers: string | null;
    redisUrl: string | null;
  }
}

interface Shared {
  users: number;
  started: Promise<Infrastructure>;
}

/** Both projects may run in one go, each with its own copy of this module: the broker is shared through the process. */
const holder = globalThis as { farhandTestInfrastructure?: Shared };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const shared = (holder.farhandTestInfrastructure ??= { users: 0, started: startInfrastructure() });
  shared.users++;
  const infrastructure = await shared.started;
  project.provide('kafkaBrokers', infrastructure.kafka?.address ?? null);
  project.provide('redisUrl', infrastructure.redis?.address ?? null);
  return async () => {
    if (--shared.users > 0) return;
    delete holder.farhandTestInfrastructure;
    await infrastructure.stop();
  };
}
