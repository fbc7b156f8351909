/**
 * The other core of the demonstration: simulates the fleet and encodes its records as sensors would (framed Avro), one
 * batch for every message from the main thread, so that no more waits than was asked for.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { encodeFramed } from '#lib/codec/encode.ts';
import { assert } from '#lib/kernel/errors.ts';
import type { ReferenceRecord } from '#schemas/records.ts';
import { simulateFleet, type Arrival, type FleetOptions } from '../simulate/fleet.ts';
import type { FleetMessage } from './fleet-stream.ts';
import { packFrames } from './frames.ts';

function messageOf(batch: readonly Arrival[]): { message: FleetMessage; transfer: ArrayBuffer[] } {
  const reference: ReferenceRecord[] = [];
  const values: Uint8Array[] = [];
  const arrivals: number[] = [];
  for (const { record, arrivedAt } of batch) {
    if (record.type === 'KeystrokeLatency' || record.type === 'Connection') {
      values.push(encodeFramed(record.type, record));
      arrivals.push(arrivedAt);
    } else {
      reference.push(record);
    }
  }
  const frames = packFrames(values, arrivals);
  return { message: { kind: 'batch', reference, frames }, transfer: [frames.bytes, frames.index.buffer] };
}

const port = parentPort;
assert(port !== null, 'fleet-worker.ts runs in a worker thread');
const fleet = simulateFleet(workerData as FleetOptions);
const batches = fleet[Symbol.iterator]();
const about: FleetMessage = {
  kind: 'about',
  labels: fleet.labels,
  workstations: fleet.workstations.map(({ tenant, deviceId, kind, remote }) => ({ tenantId: tenant.tenantId, deviceId, kind, remote })),
  startAt: fleet.options.startAt,
  days: fleet.options.days,
};
port.postMessage(about);
port.on('message', () => {
  const next = batches.next();
  if (next.done) {
    port.postMessage({ kind: 'end' } satisfies FleetMessage);
    port.close();
    return;
  }
  const { message, transfer } = messageOf(next.value);
  port.postMessage(message, transfer);
});
