/** The simulated fleet as a stream of framed Avro records, made by a worker thread while this one detects. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { ReferenceRecord } from '#schemas/records.ts';
import type { FleetOptions, Label } from '../simulate/fleet.ts';
import type { PackedFrames } from './frames.ts';

/** Batches that may be under way between the threads. */
const BATCHES_AHEAD_MAX = 8;

export interface FleetAbout {
  readonly kind: 'about';
  readonly labels: readonly Label[];
  readonly workstations: readonly { readonly tenantId: string; readonly deviceId: string; readonly kind: string; readonly remote: boolean }[];
  readonly startAt: number;
  readonly days: number;
}

interface FleetBatch {
  readonly kind: 'batch';
  /** In force before the frames. */
  readonly reference: readonly ReferenceRecord[];
  readonly frames: PackedFrames;
}

export type FleetMessage = FleetAbout | FleetBatch | { readonly kind: 'end' };

export interface FleetStream {
  readonly about: FleetAbout;
  /** In order of arrival. Ends the thread when the loop ends, however it ends. */
  batches(): AsyncGenerator<FleetBatch, void, undefined>;
  /** Ends the thread. */
  close(): Promise<void>;
}

/** Rejects where the simulation cannot start; the signal ends the thread. */
export async function openFleetStream(options: FleetOptions, signal: AbortSignal): Promise<FleetStream> {
  const worker = new Worker(new URL('./fleet-worker.ts', import.meta.url), { workerData: options });
  const inbox: FleetMessage[] = [];
  let failure: unknown = null;
  let wake = () => {};
  worker.on('message', (message: FleetMessage) => {
    inbox.push(message);
    wake();
  });
  worker.on('error', (error) => {
    failure = error;
    wake();
  });
  const onAbort = () => {
    failure = signal.reason;
    wake();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  const next = async (): Promise<FleetMessage> => {
    for (;;) {
      if (failure !== null) throw failure;
      const message = inbox.shift();
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  const close = async () => {
    signal.removeEventListener('abort', onAbort);
    await worker.terminate();
  };
  async function* batches(): AsyncGenerator<FleetBatch, void, undefined> {
    try {
      for (let i = 0; i < BATCHES_AHEAD_MAX; i++) worker.postMessage(null);
      for (let message = await next(); message.kind === 'batch'; message = await next()) {
        worker.postMessage(null);
        yield message;
      }
    } finally {
      await close();
    }
  }
  await once(worker, 'online');
  try {
    const about = await next();
    if (about.kind !== 'about') throw new Error('the fleet said nothing about itself');
    return { about, batches, close };
  } catch (error) {
    await close();
    throw error;
  }
}
