/** A worker thread of a replay: one LaneHost, driven by messages in their order (see crew.ts). */
import { parentPort, workerData } from 'node:worker_threads';
import { FarhandError, assert } from '#lib/kernel/errors.ts';
import type { Order, Report } from './crew.ts';
import { LaneHost, type HostOptions } from './lane-host.ts';

const port = parentPort;
assert(port !== null, 'worker.ts runs in a worker thread');

function failed(error: unknown): Report {
  const code = error instanceof FarhandError ? error.code : null;
  return { kind: 'failed', code, message: error instanceof Error ? error.message : String(error), stack: error instanceof Error ? (error.stack ?? '') : '' };
}

function carryOut(host: LaneHost, order: Order): void {
  switch (order.kind) {
    case 'source':
      return host.addSource(order.source);
    case 'block': {
      const answer = host.process(order.block);
      const { bytes, index } = order.block;
      return port!.postMessage({ kind: 'done', answer, buffers: { bytes, index } } satisfies Report, [bytes, index.buffer]);
    }
    case 'meet':
      return port!.postMessage({ kind: 'met', ...host.meet(order.front) } satisfies Report);
    case 'learn':
      return host.learn(order.facts);
    case 'finish': {
      const answer = host.flush();
      return port!.postMessage({ kind: 'finished', answer, result: host.result() } satisfies Report);
    }
  }
}

try {
  const host = await LaneHost.open(workerData as HostOptions);
  port.on('message', (order: Order) => {
    try {
      carryOut(host, order);
    } catch (error) {
      port.postMessage(failed(error));
      port.close();
    }
  });
  port.postMessage({ kind: 'ready' } satisfies Report);
} catch (error) {
  port.postMessage(failed(error));
}
