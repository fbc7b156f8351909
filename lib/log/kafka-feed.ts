/**
 * What has been fetched of one partition and waits to be taken. Batches are kept as they came, and decoded when it is their turn: records
 * that wait are three objects each, which would outlive the young generation, and take three times the room of their packed bytes.
 */
import { decodeBatch, splitBatches, type PackedBatch } from './kafka-batch.ts';
import type { FetchedPartition } from './kafka-wire.ts';
import type { Feed, LogRecord, Position } from './log.ts';
import { UnreadableRecords } from './unreadable.ts';

const sizeOf = (record: LogRecord): number => (record.value?.length ?? 0) + (record.key?.length ?? 0);

export class KafkaFeed implements Feed {
  readonly topic: string;
  readonly partition: number;
  /** Bytes of the keys and values that wait, and of the batches behind them as they were fetched. */
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
  /** Fetched and not decoded, in order. None where no record waits. */
  readonly #packed: PackedBatch[] = [];
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

  /** Asking again would give the same bytes; an answer to what was asked before is of no use either. */
  get broken(): boolean {
    return this.#failure !== null;
  }

  shift(): LogRecord {
    const record = this.#records[this.#head++]!;
    this.#position = record.offset + 1;
    this.bytes -= sizeOf(record);
    if (this.#head === this.#records.length) this.#next();
    return record;
  }

  /** Unpacks the next batch that has records, where none waits. */
  #next(): void {
    this.#records = [];
    this.#head = 0;
    while (this.#records.length === 0 && this.#packed.length > 0) this.#unpack(this.#packed.shift()!);
    const head = this.#records[0];
    if (head !== undefined) {
      // Answers end where batches do.
      while (this.#arrivals[0]!.untilOffset <= head.offset) this.#arrivals.shift();
      return;
    }
    this.bytes = 0;
    this.#arrivals = [];
    this.#onDrained();
  }

  #unpack(batch: PackedBatch): void {
    this.bytes -= batch.end - batch.at;
    try {
      decodeBatch(batch, this.#records);
    } catch (error) {
      this.#fail(error);
      this.#packed.length = 0;
    }
    for (const record of this.#records) this.bytes += sizeOf(record);
  }

  #fail(error: unknown): void {
    if (!(error instanceof UnreadableRecords)) throw error;
    this.#failure = error;
    this.fetchOffset = error.batch.offset;
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
    const waiting = this.#packed.length;
    const where = { topic: this.topic, partition: this.partition, fromOffset: this.fetchOffset };
    try {
      // A copy: the answer holds other partitions too, and would be kept as a whole by the one that is slowest.
      this.fetchOffset = splitBatches(Buffer.from(answer.bytes), where, answer.aborted, this.#packed);
    } catch (error) {
      this.#fail(error);
    }
    const arrived = this.#packed.length > waiting;
    for (let i = waiting; i < this.#packed.length; i++) this.bytes += this.#packed[i]!.end - this.#packed[i]!.at;
    if (arrived) this.#arrivals.push({ untilOffset: this.fetchOffset, tick: now });
    if (arrived && this.#records.length === 0) this.#next();
    if (asked !== null) {
      this.#endOffset = answer.lastStableOffset;
      this.#endTick = asked;
    }
    return arrived || this.caughtUp !== before || this.broken;
  }

  close(): void {
    this.closed = true;
    this.#onDrained();
  }
}
