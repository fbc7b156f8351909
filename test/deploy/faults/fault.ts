/** What a fault is, and how it is shown that its alerts fire. */
import { systemClock } from '#lib/kernel/clock.ts';
import type { World } from './world.ts';

const FIRE_MS_MAX = 90_000;
const LOOK_MS = 300;

export interface Fault {
  readonly how: string;
  readonly alerts: readonly string[];
  /** Brings it about. */
  readonly provoke?: (world: World) => unknown;
  /** Again and again until all alerts have fired. */
  readonly meanwhile?: (world: World) => Promise<unknown>;
  /** Puts the world right for the next one. */
  readonly mend?: (world: World) => unknown;
}

export interface Shown {
  readonly alert: string;
  readonly how: string;
  /** Until it fired; null where it did not. */
  readonly seconds: number | null;
}

/** Provokes one fault and waits until all of its alerts fire. */
export async function show(world: World, { how, alerts, provoke, meanwhile, mend }: Fault, signal: AbortSignal): Promise<Shown[]> {
  await provoke?.(world);
  const began = systemClock.monotonicMs();
  const shown: Shown[] = [];
  const waiting = new Set(alerts);
  const goesOn = (): boolean => waiting.size > 0 && !signal.aborted && systemClock.monotonicMs() - began < FIRE_MS_MAX;
  const going = (async () => {
    while (meanwhile !== undefined && goesOn()) await meanwhile(world);
  })();
  while (goesOn()) {
    await systemClock.sleep(LOOK_MS);
    for (const alert of await world.prometheus.firing()) {
      if (waiting.delete(alert)) shown.push({ alert, how, seconds: Math.round((systemClock.monotonicMs() - began) / 1_000) });
    }
  }
  await going;
  for (const alert of waiting) shown.push({ alert, how, seconds: null });
  for (const { alert, seconds } of shown) console.log(`${seconds === null ? 'DID NOT FIRE' : `fired after ${seconds} s`.padEnd(18)} ${alert}  (${how})`);
  await mend?.(world);
  return shown;
}
