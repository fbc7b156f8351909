/** What has been fetched of one partition and waits to be taken. */
import { decodeBatches } from './kafka-batch.ts';
import type { FetchedPartition } from './kafka-wire.ts';
import type { Feed, LogRecord, Position } from './log.ts';
import { UnreadableRecords } from './unreadable.ts';

const sizeOf = (record: LogRecord): number => (record.value?.length ?? 0) + (record.key?.length ?? 0);

export class KafkaFeed implements Feed {
  readonly topic: string;
  readonly partition: number;
  /** Bytes of the keys and values that wait. */
  bytes = 0;
  fetchOffset: number;
  closed = false;
  /**
   * The broker that is known to show all that was committed before it led; null while none is. A new leader may show less for a moment: how
   * far its predecessor had come it learns with the next fetches of its followers, and until then the end that it tells lies too early.
   */
  settledOn: number | null = null;
  readonly awaited: boolean;
  #records: LogRecord[] = [];
  #head = 0;
  #endOffset: number | null = null;
  #endTick = -1;
  /** Up to which offset the records that wait arrived at which tick, oldest first. */
  #arrivals: { readonly untilOffset: number; readonly tick: number }[] = [];
  #position: number;
  readonly #bytesMax: number;
  /** What stops this feed for good, once the records before it have been taken. */
  #failure: UnreadableRecords | null = null;
  readonly #onDrained: () => void;

  constructor({ topic, partition, offset }: Position, bytesMax: number, onDrained: () => void, awaited = true) {
    this.awaited = awaited;
    this.#bytesMax = bytesMax;
    this.topic = topic;
    this.partition = partition;
    this.fetchOffset = offset;
    this.#position = offset;
    this.#onDrained = onDrained;
  }

  /** Throws UnreadableRecords where what comes next can never be read. */
  headTimestamp(): number | undefined {
    const head = this.#records[this.#head];
    if (head === undefined && this.#failure !== null) throw this.#failure;
    return head?.timestampMs;
  }

  /** Asking again would give the same bytes. */
  get broken(): boolean {
    return this.#failure !== null;
  }

  shift(): LogRecord {
    const record = this.#records[this.#head++]!;
    this.#position = record.offset + 1;
    this.bytes -= sizeOf(record);
    if (this.#head === this.#records.length) {
      this.#records = [];
      this.#head = 0;
      this.bytes = 0;
      this.#arrivals = [];
      this.#onDrained();
    } else if (this.#arrivals[0]!.untilOffset <= this.#records[this.#head]!.offset) this.#arrivals.shift();
    return record;
  }

  get position(): number {
    return this.#records.length === 0 ? this.fetchOffset : this.#position;
  }

  get caughtUp(): boolean {
    return this.#records.length === 0 && this.#endOffset !== null && this.fetchOffset >= this.#endOffset;
  }

  get headTick(): number {
    return this.#arrivals[0]?.tick ?? -1;
  }

  get endTick(): number {
    return this.#endTick;
  }

  get fill(): number {
    return this.bytes / this.#bytesMax;
  }

  get lag(): number {
    return Math.max(0, (this.#endOffset ?? this.position) - this.position);
  }

  /**
   * Takes in the answer to a question of tick `asked` (null: of a leader whose end is not to be believed), which arrived at tick `now`;
   * tells whether anything changed that a waiting task would want to know.
   */
  accept(answer: FetchedPartition, asked: number | null, now: number): boolean {
    const before = this.caughtUp;
    const records = this.#head === 0 ? this.#records : this.#records.slice(this.#head);
    const waiting = records.length;
    const where = { topic: this.topic, partition: this.partition, fromOffset: this.fetchOffset };
    try {
      this.fetchOffset = decodeBatches(answer.bytes, where, answer.aborted, records);
    } catch (error) {
      if (!(error instanceof UnreadableRecords)) throw error;
      this.#failure = error;
      this.fetchOffset = error.batch.offset;
    }
    this.#records = records;
    this.#head = 0;
    for (let i = waiting; i < records.length; i++) this.bytes += sizeOf(records[i]!);
    if (records.length > waiting) this.#arrivals.push({ untilOffset: this.fetchOffset, tick: now });
    if (asked !== null) {
      this.#endOffset = answer.lastStableOffset;
      this.#endTick = asked;
    }
    return records.length > waiting || this.caughtUp !== before || this.broken;
  }

  close(): void {
    this.closed = true;
    this.#onDrained();
  }
}
