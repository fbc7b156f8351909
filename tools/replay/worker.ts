/** A worker thread of a replay: one LaneHost, driven by messages in their order (see hand.ts). */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '#lib/kernel/errors.ts';
import { carryOut, failureOf, type Order, type Report } from './hand.ts';
import type { HostOptions } from './host-contract.ts';
import { LaneHost } from './lane-host.ts';

const port = parentPort;
assert(port !== null, 'worker.ts runs in a worker thread');

try {
  const host = await LaneHost.open(workerData as HostOptions);
  port.on('message', (order: Order) => {
    try {
      const report = carryOut(host, order);
      if (report !== null) port.postMessage(report, report.kind === 'done' ? [report.buffers.bytes, report.buffers.index.buffer] : []);
    } catch (error) {
      port.postMessage(failureOf(error));
      port.close();
    }
  });
  port.postMessage({ kind: 'ready' } satisfies Report);
} catch (error) {
  port.postMessage(failureOf(error));
}
