/** A worker thread of a replay: one LaneHost, driven by messages in their order (see hand.ts). */
import { parentPort } from 'node:worker_threads';
import { assert } from '#lib/kernel/errors.ts';
import { carryOut, failureOf, orderOf, sentReport, type Report, type SentOrder } from './hand.ts';
import { LaneHost } from './lane-host.ts';

const port = parentPort;
assert(port !== null, 'worker.ts runs in a worker thread');

let host: LaneHost | null = null;

function fail(error: unknown): void {
  port!.postMessage(failureOf(error));
  port!.close();
}

port.on('message', (message: SentOrder) => {
  const order = orderOf(message);
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
    if (report === null) return;
    const { message: sent, transfer } = sentReport(report);
    port.postMessage(sent, transfer);
  } catch (error) {
    fail(error);
  }
});
