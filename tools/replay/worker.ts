/** A worker thread of a replay: one LaneHost, driven by messages in their order (see hand.ts). */
import { parentPort } from 'node:worker_threads';
import { assert } from '#lib/kernel/errors.ts';
import { carryOut, failureOf, takenAlong, type Order, type Report } from './hand.ts';
import { LaneHost } from './lane-host.ts';

const port = parentPort;
assert(port !== null, 'worker.ts runs in a worker thread');

let host: LaneHost | null = null;

function fail(error: unknown): void {
  port!.postMessage(failureOf(error));
  port!.close();
}

port.on('message', (order: Order) => {
  if (order.kind === 'open') {
    LaneHost.open(order.options).then((opened) => {
      host = opened;
      port.postMessage({ kind: 'ready' } satisfies Report);
    }, fail);
    return;
  }
  try {
    assert(host !== null, 'nothing is sent before it is ready');
    const report = carryOut(host, order);
    if (report !== null) port.postMessage(report, takenAlong(report));
  } catch (error) {
    fail(error);
  }
});
