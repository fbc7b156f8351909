/**
 * The workers of a replay as the reader sees them: records go in one after the other, each to the worker that owns its
 * lane; answers come back by block. A worker that is behind holds the reader back.
 */
import { Worker } from 'node:worker_threads';
import { FarhandError, type ErrorCode } from '#lib/kernel/errors.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import type { FleetFact, FleetReport } from '#schemas/records.ts';
import { Barrier } from '../../services/detect/fleet/barrier.ts';
import { Exchange } from '../../services/detect/fleet/exchange.ts';
import { BlockBuilder, type Block } from './block.ts';
import { LaneHost, type Answer, type HostOptions, type HostResult } from './lane-host.ts';
import { EVERY_LANE, LANES } from './lanes.ts';
import { AT_ONCE } from './peek-line.ts';
import type { Source, SourceRecord } from './source.ts';

/** Blocks that may be under way to one worker. */
const BLOCKS_AHEAD_MAX = 4;

export type Order =
  | { readonly kind: 'source'; readonly source: Source }
  | { readonly kind: 'block'; readonly block: Block }
  | { readonly kind: 'meet'; readonly front: number }
  | { readonly kind: 'learn'; readonly facts: readonly FleetFact[] }
  | { readonly kind: 'finish' };

export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly answer: Answer; readonly buffers: Pick<Block, 'bytes' | 'index'> }
  | { readonly kind: 'met'; readonly found: Answer['found']; readonly letters: Answer['letters']; readonly reports: readonly FleetReport[] }
  | { readonly kind: 'finished'; readonly answer: Answer; readonly result: HostResult }
  | { readonly kind: 'failed'; readonly code: ErrorCode | null; readonly message: string; readonly stack: string };

/** One worker: a thread, or the reader's own. */
interface Hand {
  post(order: Order): void;
  close(): Promise<void>;
}

type OnReport = (report: Report) => void;

function threadHand(options: HostOptions, onReport: OnReport): Hand {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: options });
  let closing = false;
  worker.on('message', onReport);
  worker.on('error', (error: Error) => onReport({ kind: 'failed', code: null, message: error.message, stack: error.stack ?? '' }));
  worker.on('exit', (status) => {
    if (!closing) onReport({ kind: 'failed', code: null, message: `a worker thread ended with status ${status}`, stack: '' });
  });
  return {
    post: (order) => (order.kind === 'block' ? worker.postMessage(order, [order.block.bytes, order.block.index.buffer]) : worker.postMessage(order)),
    close: async () => {
      closing = true;
      await worker.terminate();
    },
  };
}

async function ownHand(options: HostOptions, onReport: OnReport): Promise<Hand> {
  const host = await LaneHost.open(options);
  onReport({ kind: 'ready' });
  return {
    post: (order) => {
      if (order.kind === 'source') host.addSource(order.source);
      else if (order.kind === 'block') onReport({ kind: 'done', answer: host.process(order.block), buffers: order.block });
      else if (order.kind === 'meet') onReport({ kind: 'met', ...host.meet(order.front) });
      else if (order.kind === 'learn') host.learn(order.facts);
      else onReport({ kind: 'finished', answer: host.flush(), result: host.result() });
    },
    close: () => Promise.resolve(),
  };
}

interface Member {
  hand: Hand | null;
  readonly builder: BlockBuilder;
  ready: boolean;
  underWay: number;
  /** Has reported since the last barrier. */
  met: boolean;
  result: HostResult | null;
}

export interface CrewOptions {
  /** 1: no thread, the reader does the work itself. */
  readonly workers: number;
  readonly host: Omit<HostOptions, 'reporter'>;
  readonly onAnswer: (answer: Answer) => void;
  readonly signal: AbortSignal;
}

export class Crew {
  readonly #members: Member[];
  readonly #onAnswer: CrewOptions['onAnswer'];
  readonly #signal: AbortSignal;
  readonly #known = new Set<Source>();
  readonly #exchange: Exchange;
  readonly #barrier: Barrier;
  readonly #fleet: boolean;
  #failure: Error | null = null;
  #waiting: (() => void)[] = [];

  static async open(options: CrewOptions): Promise<Crew> {
    const crew = new Crew(options);
    try {
      await crew.#start(options);
    } catch (error) {
      await crew.close();
      throw error;
    }
    return crew;
  }

  private constructor({ workers, host, onAnswer, signal }: CrewOptions) {
    const { detect } = host.config;
    this.#exchange = new Exchange({ config: detect, state: createMemoryState() });
    this.#barrier = new Barrier(detect);
    this.#fleet = detect.fleet.enabled;
    const count = Math.max(1, Math.min(workers, LANES));
    this.#members = Array.from({ length: count }, () => ({ hand: null, builder: new BlockBuilder(), ready: false, underWay: 0, met: false, result: null }));
    this.#onAnswer = onAnswer;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  async #start({ host }: CrewOptions): Promise<void> {
    for (const [i, member] of this.#members.entries()) {
      const options = { ...host, reporter: i === 0 };
      const onReport = (report: Report) => this.#onReport(member, report);
      member.hand = this.#members.length === 1 ? await ownHand(options, onReport) : threadHand(options, onReport);
    }
    await this.#until(() => this.#members.every(({ ready }) => ready));
  }

  /** Undefined where the caller may go on at once. `serial` is the record's number in the run. */
  send(record: SourceRecord, serial: number): undefined | Promise<void> {
    const { time, lane, arrivalKnown } = record;
    if (!this.#fleet || time === AT_ONCE || !this.#barrier.isBefore(time, arrivalKnown ? '' : String(lane), arrivalKnown)) return this.#pass(record, serial);
    return this.#meet().then(() => this.#pass(record, serial));
  }

  /** A barrier: everybody works off what was sent, reports, and hears what the exchange makes of it. */
  async #meet(): Promise<void> {
    for (const member of this.#members) {
      await this.#dispatch(member);
      member.met = false;
      member.hand!.post({ kind: 'meet', front: this.#barrier.front });
    }
    await this.#until(() => this.#members.every(({ met }) => met));
    const facts = this.#exchange.complete(this.#barrier.complete);
    if (facts.length > 0) for (const { hand } of this.#members) hand!.post({ kind: 'learn', facts });
  }

  #pass(record: SourceRecord, serial: number): undefined | Promise<void> {
    if (!this.#known.has(record.source)) {
      this.#known.add(record.source);
      for (const { hand } of this.#members) hand!.post({ kind: 'source', source: record.source });
    }
    if (record.lane !== EVERY_LANE) return this.#add(this.#members[record.lane % this.#members.length]!, record, serial);
    const waits = this.#members.map((member) => this.#add(member, record, serial)).filter((wait) => wait !== undefined);
    return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined);
  }

  /** Sends what is still collected and ends the input; answers what each worker knows. */
  async finish(): Promise<HostResult[]> {
    for (const member of this.#members) {
      await this.#dispatch(member);
      member.hand!.post({ kind: 'finish' });
    }
    await this.#until(() => this.#members.every(({ result }) => result !== null));
    return this.#members.map(({ result }) => result!);
  }

  async close(): Promise<void> {
    for (const { hand } of this.#members) await hand?.close();
  }

  #add(member: Member, record: SourceRecord, serial: number): undefined | Promise<void> {
    const { builder } = member;
    const wait = builder.isFullFor(record) ? this.#dispatch(member) : undefined;
    if (wait !== undefined) return wait.then(() => builder.add(record, serial));
    builder.add(record, serial);
    return undefined;
  }

  #dispatch(member: Member): undefined | Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    if (member.builder.count > 0) {
      member.underWay++;
      member.hand!.post({ kind: 'block', block: member.builder.take() });
    }
    return member.underWay < BLOCKS_AHEAD_MAX ? undefined : this.#until(() => member.underWay < BLOCKS_AHEAD_MAX);
  }

  #onReport(member: Member, report: Report): void {
    if (report.kind === 'ready') member.ready = true;
    else if (report.kind === 'failed') this.#failure ??= errorOf(report);
    else {
      this.#onAnswer(report.kind === 'met' ? report : report.answer);
      if (report.kind === 'finished') member.result = report.result;
      else if (report.kind === 'met') {
        this.#exchange.take(report.reports);
        member.met = true;
      }
      else {
        member.underWay--;
        member.builder.giveBack(report.buffers);
      }
    }
    this.#wake();
  }

  async #until(reached: () => boolean): Promise<void> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure;
      this.#signal.throwIfAborted();
      if (reached()) return;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

function errorOf({ code, message, stack }: Extract<Report, { kind: 'failed' }>): Error {
  if (code !== null) return new FarhandError(code, message);
  const error = new Error(message);
  if (stack !== '') error.stack = stack;
  return error;
}
