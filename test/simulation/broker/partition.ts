/** One partition: data and transaction markers share the offsets; readers of committed records stop at the last stable one. */
import type { LogRecord, Position } from '#lib/log/log.ts';

export interface Transaction {
  readonly id: string;
  readonly epoch: number;
  state: 'open' | 'committing' | 'committed' | 'aborted';
  readonly startedAtMs: number;
  readonly partitions: Set<Partition>;
  readonly positions: (Position & { readonly group: string })[];
}

export interface Entry {
  /** Null: the marker that ends a transaction. */
  readonly record: LogRecord | null;
  readonly transaction: Transaction | null;
}

export interface Read {
  readonly records: LogRecord[];
  /** The offset after everything that was looked at, markers and aborted records included. */
  readonly next: number;
  /** Whether nothing readable follows `next`. */
  readonly atEnd: boolean;
  readonly end: number;
}

export class Partition {
  readonly topic: string;
  readonly number: number;
  readonly entries: Entry[] = [];
  /** First offset of each transaction that has written here and is not over. */
  readonly #open = new Map<Transaction, number>();

  constructor(topic: string, number: number) {
    this.topic = topic;
    this.number = number;
  }

  get end(): number {
    return this.entries.length;
  }

  get lastStable(): number {
    return Math.min(this.end, ...this.#open.values());
  }

  append(record: LogRecord, transaction: Transaction | null): void {
    if (transaction !== null && !this.#open.has(transaction)) {
      this.#open.set(transaction, this.end);
      transaction.partitions.add(this);
    }
    this.entries.push({ record, transaction });
  }

  /** Writes the marker of a transaction that was decided. */
  close(transaction: Transaction): void {
    this.entries.push({ record: null, transaction });
    this.#open.delete(transaction);
  }

  /** Whether anything follows that is or may become readable. */
  hasMore(offset: number): boolean {
    return this.#open.size > 0 || this.entries.slice(offset).some(({ record, transaction }) => record !== null && transaction?.state !== 'aborted');
  }

  read(offset: number, max: number, committedOnly: boolean): Read {
    const end = committedOnly ? this.lastStable : this.end;
    const records: LogRecord[] = [];
    let next = offset;
    while (next < end && records.length < max) {
      const { record, transaction } = this.entries[next++]!;
      if (record === null) continue;
      if (committedOnly && transaction !== null && transaction.state !== 'committed') continue;
      records.push(record);
    }
    return { records, next, atEnd: next >= end, end };
  }
}
