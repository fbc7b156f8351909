/** Reads one kind of reference data out of its hashes, through a near cache. Misses of a batch are collected first. */
import type { ChainableCommander } from 'ioredis';
import { NearCache, type ReadTicket } from './near-cache.ts';
import { decodeValue, hashKey, type ReferenceKind } from './redis-layout.ts';

/** group (tenant) → subject → indexes of the requests that wait for it. */
type Misses = Map<string, Map<string, number[]>>;

export interface HashReaderOptions<V> {
  readonly prefix: string;
  readonly kind: ReferenceKind;
  readonly entriesMax: number;
  readonly shape: 'versions' | 'record';
  /** The fields that together answer one subject; default: the subject itself. */
  readonly fieldsOf?: (group: string, subject: string) => string[];
  /** Makes one answer of the values of those fields (null: there is none); default: the first. */
  readonly join?: (values: (V | null)[]) => V | null;
}

/** The part of one batch that concerns one kind. `values[i]` is undefined until request i is answered. */
export class HashBatch<V> {
  readonly values: (V | null | undefined)[] = [];
  readonly misses: Misses = new Map();
  /** Of every subject that is asked for, in the order of `misses`. */
  readonly fields: string[][] = [];

  miss(group: string, subject: string, index: number): void {
    let subjects = this.misses.get(group);
    if (subjects === undefined) this.misses.set(group, (subjects = new Map()));
    const waiting = subjects.get(subject);
    if (waiting === undefined) subjects.set(subject, [index]);
    else waiting.push(index);
  }
}

export class HashReader<V> {
  readonly cache: NearCache<V | null>;
  readonly #options: HashReaderOptions<V>;

  constructor(options: HashReaderOptions<V>) {
    this.#options = options;
    this.cache = new NearCache(options.entriesMax);
  }

  /** Answers request `index` out of the near cache, or notes the miss. */
  find(batch: HashBatch<V>, index: number, group: string, subject: string): boolean {
    const value = this.cache.get(group, subject);
    batch.values.push(value);
    if (value !== undefined) return true;
    batch.miss(group, subject, index);
    return false;
  }

  /** Adds one HMGET per group to the pipeline. The ticket must go to `take` or `cache.end`. */
  ask(batch: HashBatch<V>, pipeline: ChainableCommander): ReadTicket {
    for (const [group, subjects] of batch.misses) {
      const asked: string[] = [];
      for (const subject of subjects.keys()) {
        const fields = this.#fieldsOf(group, subject);
        batch.fields.push(fields);
        asked.push(...fields);
      }
      pipeline.hmget(this.#key(group), ...asked);
    }
    return this.cache.begin();
  }

  /** Fills the holes of the batch from the replies, which come in the order of `ask`, and keeps them. */
  take(batch: HashBatch<V>, replies: Iterator<(string | null)[]>, ticket: ReadTicket): void {
    let place = 0;
    for (const [group, subjects] of batch.misses) {
      const texts = replies.next().value as (string | null)[];
      let next = 0;
      for (const [subject, indexes] of subjects) {
        const values = batch.fields[place++]!.map((field) => this.#decode(group, field, texts[next++] ?? null));
        const value = this.#options.join === undefined ? (values[0] ?? null) : this.#options.join(values);
        for (const index of indexes) batch.values[index] = value;
        this.cache.keep(ticket, group, subject, value);
      }
    }
  }

  #decode(group: string, field: string, text: string | null): V | null {
    return text === null ? null : decodeValue<V>(this.#key(group), field, text, this.#options.shape);
  }

  #fieldsOf(group: string, subject: string): string[] {
    return this.#options.fieldsOf?.(group, subject) ?? [subject];
  }

  #key(group: string): string {
    return hashKey(this.#options.prefix, this.#options.kind, group);
  }
}
