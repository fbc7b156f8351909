/** A worker thread of a replay: one LaneHost, driven by messages in their order (see hand.ts). */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { assert } from '#lib/kernel/errors.ts';
import { carryOut, failureOf, type Order, type Report, type WorkerData } from './hand.ts';
import { LaneHost } from './lane-host.ts';

const port = parentPort;
assert(port !== null, 'worker.ts runs in a worker thread');
const { urgent } = workerData as WorkerData;

let host: LaneHost | null = null;

function fail(error: unknown): void {
  port!.postMessage(failureOf(error));
  port!.close();
}

function act(order: Exclude<Order, { kind: 'open' }>): void {
  try {
    assert(host !== null, 'nothing is sent before it is ready');
    const report = carryOut(host, order);
    if (report !== null) port!.postMessage(report);
  } catch (error) {
    fail(error);
  }
}

/** In the middle of another order: those that do not wait for its end. */
function actOnUrgent(): void {
  for (let sent = receiveMessageOnPort(urgent); sent !== undefined; sent = receiveMessageOnPort(urgent)) act((sent as { message: Parameters<typeof act>[0] }).message);
}

urgent.on('message', act);
urgent.unref();
port.on('message', (order: Order) => {
  if (order.kind !== 'open') return act(order);
  LaneHost.open(order.options, actOnUrgent).then((opened) => {
    host = opened;
    port.postMessage({ kind: 'ready' } satisfies Report);
  }, fail);
});
