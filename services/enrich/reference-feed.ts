/**
 * Brings the reference topics into the reference store: all that is there, then what comes, for as long as the worker
 * runs. A store that lost everything (Redis that came back empty) is filled again from the beginnings of the topics.
 */
import type { RecordDecoder } from '#lib/codec/decoder.ts';
import type { Clock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { Pseudonymiser } from '#lib/kernel/pseudonym.ts';
import type { Log, LogRecord } from '#lib/log/log.ts';
import type { ReferenceStore } from '#lib/reference/port.ts';
import type { RedisReference } from '#lib/reference/redis.ts';
import { Backoff } from '#lib/runner/backoff.ts';
import { startBroadcast } from '#lib/runner/broadcast.ts';
import { parseErasureRequest } from '#lib/runner/erasure.ts';
import type { DeadLetterReason, ReferenceRecord } from '#schemas/records.ts';

export interface ReferenceFeedParts {
  readonly log: Log;
  readonly topics: readonly string[];
  /** Requests to erase a person (lib/runner/erasure.ts), followed beside the reference topics. */
  readonly erasures: string;
  /** Reads the records of REFERENCE_RECORDS. */
  readonly decoder: RecordDecoder<ReferenceRecord>;
  /** One that may lose its data has the two marks of a load; one in memory has not. */
  readonly reference: Pick<ReferenceStore, 'apply' | 'forget'> & Partial<Pick<RedisReference, 'beginLoading' | 'markLoaded'>>;
  /** That of ingest: the user of a device has to be named as the events name them. */
  readonly pseudonymiser: Pseudonymiser;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** A record that is left out, as it cannot be read. */
  readonly onUndecodable: (record: LogRecord, reason: DeadLetterReason) => void;
  /** The store or the registry is away; the same call is tried again. */
  readonly onRetry: (error: Error) => void;
  /** All that was in the topics has been taken in: for the first time, or again after a loss. */
  readonly onLoaded: () => void;
  /** The store has lost what was brought into it, and is filled anew. */
  readonly onLost: () => void;
}

export interface ReferenceFeed {
  /** Resolves when all that was in the topics has been taken in for the first time. */
  readonly loaded: Promise<void>;
  /** False before that, and while a store that lost its data is filled again. */
  readonly isLoaded: boolean;
  /** Resolves at the end, which the signal brings; rejects with what cannot be repeated. */
  readonly ended: Promise<void>;
  /** Fills the store again; to be called when it says that it holds nothing. Ignored while that is under way. */
  reload(): void;
}

const RETRY_MS = 100;
const RETRY_MS_MAX = 5_000;

export function startReferenceFeed(parts: ReferenceFeedParts): ReferenceFeed {
  return new Feed(parts);
}

const personName = ({ tenantId, userId }: { tenantId: string; userId: string }): string => JSON.stringify([tenantId, userId]);
const judgedName = (tenantId: string, id: string): string => JSON.stringify([tenantId, 'judged', id]);

class Feed implements ReferenceFeed {
  readonly loaded: Promise<void>;
  readonly ended: Promise<void>;
  isLoaded = false;
  readonly #parts: ReferenceFeedParts;
  /** When whom; as many as there are requests in their topic, which keeps them for 30 days. */
  readonly #erased = new Map<string, number>();
  readonly #loaded = Promise.withResolvers<void>();
  #lost = Promise.withResolvers<void>();

  constructor(parts: ReferenceFeedParts) {
    this.#parts = parts;
    this.loaded = this.#loaded.promise;
    this.loaded.catch(() => undefined);
    this.ended = this.#run();
    this.ended.catch((error: unknown) => this.#loaded.reject(error));
  }

  reload(): void {
    if (!this.isLoaded) return;
    this.isLoaded = false;
    this.#lost.resolve();
  }

  async #run(): Promise<void> {
    const { signal, onLost } = this.#parts;
    while (!signal.aborted) {
      this.#lost = Promise.withResolvers<void>();
      await this.#fill();
      if (!signal.aborted) onLost();
    }
  }

  /** Reads the topics from their beginnings and follows them; ends when the store has lost its data, or by the signal. */
  async #fill(): Promise<void> {
    const { log, topics, clock, signal, reference, onRetry } = this.#parts;
    const loading = await this.#answered(async () => (await reference.beginLoading?.()) ?? '');
    if (loading === null) return;
    const end = new AbortController();
    const apply = (records: readonly LogRecord[]) => this.#apply(records);
    const broadcast = startBroadcast({ log, topics: [...topics, this.#parts.erasures], clock, signal: AbortSignal.any([signal, end.signal]), apply, onRetry });
    try {
      await Promise.race([broadcast.loaded, broadcast.ended]);
      const whole = await this.#answered(async () => (await reference.markLoaded?.(loading)) ?? true);
      if (whole !== true) return;
      this.isLoaded = true;
      this.#parts.onLoaded();
      this.#loaded.resolve();
      await Promise.race([this.#lost.promise, broadcast.ended]);
    } finally {
      end.abort();
      await broadcast.ended;
    }
  }

  async #apply(records: readonly LogRecord[]): Promise<void> {
    const { decoder, pseudonymiser, reference, onUndecodable, erasures } = this.#parts;
    if (records[0]?.topic === erasures) return this.#forget(records);
    await decoder.prepare(records);
    const decoded: ReferenceRecord[] = [];
    for (const record of records) {
      if (record.value === null) continue; // a tombstone: versions end by validTo, never by deletion
      const result = decoder.decode(record);
      if (result.ok) {
        const named = pseudonymiser.reference(result.event);
        if (!this.#isErased(named, record.timestampMs)) decoded.push(named);
      }
      else onUndecodable(record, result.reason);
    }
    await reference.apply(decoded);
  }

  /** Of several topics nobody knows the order: what is older than a request is left out when it comes after it. */
  #isErased(record: ReferenceRecord, timestampMs: number): boolean {
    const at = (...names: (string | null)[]): boolean => names.some((name) => name !== null && timestampMs <= (this.#erased.get(name) ?? -Infinity));
    if (record.type === 'DeviceAssignment') return at(personName(record));
    return record.type === 'Feedback' && at(...[record.sessionId, record.findingId].map((id) => id && judgedName(record.tenantId, id)));
  }

  async #forget(records: readonly LogRecord[]): Promise<void> {
    for (const { value } of records) {
      const request = parseErasureRequest(value);
      if (request === null) continue;
      const judged = [...request.sessions, ...request.findings].map((id) => judgedName(request.tenantId, id));
      for (const name of [personName(request), ...judged]) this.#erased.set(name, request.requestedAt);
      await this.#parts.reference.forget(request);
    }
  }

  /** The store's answer, however long it is away; null where the signal comes first. */
  async #answered<T>(ask: () => Promise<T>): Promise<T | null> {
    const { clock, signal, onRetry } = this.#parts;
    const backoff = new Backoff(RETRY_MS, RETRY_MS_MAX);
    while (!signal.aborted) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof FarhandError && error.retriable)) throw error;
        onRetry(error);
        await clock.sleep(backoff.next(), signal);
      }
    }
    return null;
  }
}
