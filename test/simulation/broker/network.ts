/** The way between one process and the broker: every request takes time, may get lost on either way, or be refused. */
import { FarhandError } from '#lib/kernel/errors.ts';
import type { FaultPlan } from '../faults.ts';
import type { SimulatedProcess } from '../process.ts';
import { ConcurrentTransactions, type Broker } from './broker.ts';

export interface NetworkOptions {
  readonly broker: Broker;
  readonly process: SimulatedProcess;
  readonly faults: FaultPlan;
  /** Round trip without faults, ms. */
  readonly latencyMs: { readonly least: number; readonly most: number };
  /** Whether no broker answers at the moment. */
  readonly away: () => boolean;
  readonly onCrash: (process: SimulatedProcess) => void;
}

export type RequestKind = 'produce' | 'commit' | 'other';

/** How long a client waits for an answer that does not come, ms. */
const REQUEST_TIMEOUT_MS = 800;
const RETRY_MS = 10;

export class Network {
  readonly options: NetworkOptions;

  constructor(options: NetworkOptions) {
    this.options = options;
  }

  /** `effect` is what the broker does. Rejects with what the adapters make of a failure. */
  async request<T>(kind: RequestKind, effect: () => T): Promise<T> {
    for (;;) {
      try {
        return await this.#once(kind, effect);
      } catch (error) {
        if (!(error instanceof ConcurrentTransactions || error instanceof RetriableBrokerError)) throw error;
        await this.options.process.clock.sleep(RETRY_MS);
      }
    }
  }

  async #once<T>(kind: RequestKind, effect: () => T): Promise<T> {
    const { broker, process, faults } = this.options;
    await process.gate();
    if (kind !== 'other' && faults.draw(`crash before ${kind}`)) await this.#crash();
    await broker.clock.sleep(this.#halfWay());
    if (this.options.away() || faults.draw('request lost')) return this.#noAnswer();
    if (faults.draw('retriable broker error')) return this.#refuse(new RetriableBrokerError('NOT_LEADER_OR_FOLLOWER'));
    if (faults.draw('fatal broker error')) return this.#refuse(new FarhandError('FARHAND_LOG_UNAVAILABLE', 'UNKNOWN_SERVER_ERROR'));
    const answer = attempt(effect);
    if (kind !== 'other' && faults.draw(`crash after ${kind}`)) await this.#crash();
    if (faults.draw('answer lost')) return this.#noAnswer();
    await broker.clock.sleep(this.#halfWay());
    await process.gate();
    if (!answer.ok) throw answer.error;
    return answer.value;
  }

  #halfWay(): number {
    const { faults, latencyMs } = this.options;
    if (faults.draw('slow request (disk)')) return faults.uniform(100, 3_000);
    return faults.uniform(latencyMs.least, latencyMs.most) / 2;
  }

  async #crash(): Promise<never> {
    const { process, onCrash } = this.options;
    onCrash(process);
    return process.gate() as Promise<never>;
  }

  async #noAnswer(): Promise<never> {
    await this.options.process.clock.sleep(REQUEST_TIMEOUT_MS);
    throw new FarhandError('FARHAND_LOG_UNAVAILABLE', 'REQUEST_TIMED_OUT');
  }

  async #refuse(error: Error): Promise<never> {
    await this.options.broker.clock.sleep(this.#halfWay());
    await this.options.process.gate();
    throw error;
  }
}

class RetriableBrokerError extends Error {}

type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

function attempt<T>(effect: () => T): Attempt<T> {
  try {
    return { ok: true, value: effect() };
  } catch (error) {
    return { ok: false, error };
  }
}
