/** A reference store that times out or takes its time, in front of one that is always there. */
import { FarhandError } from '#lib/kernel/errors.ts';
import type { ForgottenPerson, PolicyMatcher, ReferenceAnswer, ReferenceRequest, ReferenceStore } from '#lib/reference/port.ts';
import type { ReferenceRecord } from '#schemas/records.ts';
import type { SimulatedProcess } from './process.ts';

export interface ReferenceWeather {
  /** No answer comes. */
  readonly away: boolean;
  /** How long an answer takes, ms; 0: at once, from the near cache. */
  readonly delayMs: number;
}

const TIMEOUT_MS = 400;

export class FlakyReference implements ReferenceStore {
  readonly #inner: ReferenceStore;
  readonly #process: SimulatedProcess;
  readonly #weather: () => ReferenceWeather;

  constructor(inner: ReferenceStore, process: SimulatedProcess, weather: () => ReferenceWeather) {
    this.#inner = inner;
    this.#process = process;
    this.#weather = weather;
  }

  lookup(requests: readonly ReferenceRequest[]): ReferenceAnswer[] | Promise<ReferenceAnswer[]> {
    return this.#answer(() => this.#inner.lookup(requests));
  }

  policies(tenantId: string, at: number): PolicyMatcher | Promise<PolicyMatcher> {
    return this.#answer(() => this.#inner.policies(tenantId, at));
  }

  apply(records: readonly ReferenceRecord[]): void | Promise<void> {
    return this.#inner.apply(records);
  }

  forget(person: ForgottenPerson): number | Promise<number> {
    return this.#inner.forget(person);
  }

  #answer<T>(inner: () => T | Promise<T>): T | Promise<T> {
    const { away, delayMs } = this.#weather();
    if (!away && delayMs === 0) return inner();
    return this.#late(inner, away ? TIMEOUT_MS : delayMs, away);
  }

  async #late<T>(inner: () => T | Promise<T>, delayMs: number, away: boolean): Promise<T> {
    await this.#process.clock.sleep(delayMs);
    if (away) throw new FarhandError('FARHAND_REFERENCE_UNAVAILABLE', 'Redis does not answer');
    return inner();
  }
}
