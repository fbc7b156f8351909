/** One worker of a replay as the reader drives it: a thread, or the reader's own. Orders go in, reports come out, each in their order. */
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { assert, FarhandError, type ErrorCode } from '#lib/kernel/errors.ts';
import type { Block } from './block.ts';
import type { Packed } from './fleet-wire.ts';
import type { LanePosition } from './enriched/reader.ts';
import type { AdvanceOrder, Advanced, Answer, HostCheckpoint, HostOptions, HostResult, LaneFile, LaneProgress } from './host-contract.ts';
import { LaneHost } from './lane-host.ts';
import type { Source } from './source.ts';

/** Of a worker's heap: a block and all that is made of it die young in it; in the usual 16 MB they are copied on. */
const YOUNG_GENERATION_MB = 48;

export type Order =
  /** The first one to a thread. */
  | { readonly kind: 'open'; readonly options: HostOptions }
  | { readonly kind: 'source'; readonly source: Source }
  | { readonly kind: 'block'; readonly block: Block }
  | { readonly kind: 'slice'; readonly file: LaneFile; readonly from: LanePosition }
  | ({ readonly kind: 'advance' } & AdvanceOrder)
  | { readonly kind: 'meet'; readonly front: number }
  | { readonly kind: 'exchange'; readonly reports: readonly Packed[]; readonly complete: number }
  | { readonly kind: 'learn'; readonly facts: readonly Packed[] }
  | { readonly kind: 'checkpoint'; readonly directory: string }
  | { readonly kind: 'finish' };

export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly answer: Answer; readonly buffers: Pick<Block, 'bytes' | 'index'> }
  | { readonly kind: 'sliced'; readonly answer: Answer; readonly progress: LaneProgress }
  | ({ readonly kind: 'advanced' } & Advanced)
  | { readonly kind: 'met'; readonly answer: Answer; readonly reports: readonly Packed[] }
  | { readonly kind: 'exchanged'; readonly facts: Packed }
  | { readonly kind: 'kept'; readonly checkpoint: HostCheckpoint; readonly result: HostResult }
  | { readonly kind: 'finished'; readonly answer: Answer; readonly result: HostResult }
  | { readonly kind: 'failed'; readonly code: ErrorCode | null; readonly errno: string | null; readonly message: string; readonly stack: string };

/** What a thread is made with: a way past the orders that wait, for those on which the other threads wait. */
export interface WorkerData {
  readonly urgent: MessagePort;
}

const isUrgent = ({ kind }: Order): boolean => kind === 'exchange';

/** Carries out one order behind the first; what is answered goes to the reader. */
export function carryOut(host: LaneHost, order: Exclude<Order, { kind: 'open' }>): Report | null {
  switch (order.kind) {
    case 'source':
      host.addSource(order.source);
      return null;
    case 'block':
      return { kind: 'done', answer: host.process(order.block), buffers: { bytes: order.block.bytes, index: order.block.index } };
    case 'slice':
      return { kind: 'sliced', ...host.slice(order.file, order.from) };
    case 'advance':
      return { kind: 'advanced', ...host.advance(order) };
    case 'meet':
      return { kind: 'met', ...host.meet(order.front) };
    case 'exchange':
      return { kind: 'exchanged', facts: host.exchange(order.reports, order.complete) };
    case 'learn':
      host.learn(order.facts);
      return null;
    case 'checkpoint':
      return { kind: 'kept', checkpoint: host.checkpoint(order.directory), result: host.result() };
    case 'finish':
      return { kind: 'finished', answer: host.flush(), result: host.result() };
  }
}

/** An error as it goes between threads. */
export function failureOf(error: unknown): Report {
  const code = error instanceof FarhandError ? error.code : null;
  const { code: errno = null, stack = '' } = error as NodeJS.ErrnoException;
  return { kind: 'failed', code, errno: code === null ? errno : null, message: error instanceof Error ? error.message : String(error), stack };
}

/** The error that was reported. */
export function errorOf({ code, errno, message, stack }: Extract<Report, { kind: 'failed' }>): Error {
  if (code !== null) return new FarhandError(code, message);
  const error: NodeJS.ErrnoException = new Error(message);
  if (errno !== null) error.code = errno;
  if (stack !== '') error.stack = stack;
  return error;
}

/** One worker: a thread, or the reader's own. */
export interface Hand {
  post(order: Order): void;
  close(): Promise<void>;
}

export type OnReport = (report: Report) => void;

/** Threads do not take over where compiled code is kept (tools/code-cache.mjs); they look for it in their environment. */
function withCodeCache(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const directory = getCompileCacheDir();
  return directory === undefined ? env : { ...env, NODE_COMPILE_CACHE: dirname(directory) };
}

/** A thread that loads its code and waits for its first order. */
export function threadHand(onReport: OnReport): Hand {
  const { port1: urgent, port2 } = new MessageChannel();
  const made = { workerData: { urgent: port2 } satisfies WorkerData, transferList: [port2] };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { ...made, env: withCodeCache(process.env), resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB } });
  let closing = false;
  const failed = (message: string, stack = ''): void => onReport({ kind: 'failed', code: null, errno: null, message, stack });
  worker.on('message', onReport);
  worker.on('error', (error: Error) => failed(error.message, error.stack));
  worker.on('exit', (status) => {
    if (!closing) failed(`a worker thread ended with status ${status}`);
  });
  return {
    post: (order) => (isUrgent(order) ? urgent : worker).postMessage(order),
    close: async () => {
      closing = true;
      urgent.close();
      await worker.terminate();
    },
  };
}

export async function ownHand(options: HostOptions, onReport: OnReport): Promise<Hand> {
  const host = await LaneHost.open(options);
  onReport({ kind: 'ready' });
  return {
    post: (order) => {
      let report: Report | null;
      try {
        assert(order.kind !== 'open', 'it is open');
        report = carryOut(host, order);
      } catch (error) {
        report = failureOf(error);
      }
      if (report !== null) onReport(report);
    },
    close: () => Promise.resolve(),
  };
}
