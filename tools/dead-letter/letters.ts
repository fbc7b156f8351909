/** The letters of the dead-letter topic: read as a stream, selected, and shown. */
import { deadLetterToNdjson } from '#lib/codec/dead-letter.ts';
import type { RecordDecoder } from '#lib/codec/decoder.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { Feed, Log, LogRecord, Reader } from '#lib/log/log.ts';
import type { DeadLetter } from '#schemas/records.ts';

/** A letter and where it lies in the dead-letter topic. */
export interface Found {
  readonly at: { readonly partition: number; readonly offset: number };
  readonly letter: DeadLetter;
}

/** What a letter must be; absent fields hold for any. */
export interface Selection {
  readonly reason?: string;
  /** Where the record that was rejected came from. */
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: number;
  /** Where the letter itself lies. */
  readonly at?: Found['at'];
}

/** Groups that never commit begin at the first record of a partition. */
const NO_GROUP = 'farhand-dead-letter-reader';
const BATCH_RECORDS_MAX = 500;
const WAIT_MS = 500;
const ASKED_MAX = 120;
/** Longest detail in a line of the table, characters. */
const DETAIL_MAX = 80;

export function selected({ at, letter }: Found, wanted: Selection): boolean {
  return (
    (wanted.reason === undefined || wanted.reason === letter.reason) &&
    (wanted.topic === undefined || wanted.topic === letter.topic) &&
    (wanted.partition === undefined || wanted.partition === letter.partition) &&
    (wanted.offset === undefined || wanted.offset === letter.offset) &&
    (wanted.at === undefined || (wanted.at.partition === at.partition && wanted.at.offset === at.offset))
  );
}

/** Partition by partition, each in order, up to the end as it is when the reading gets there. */
export async function* readLetters(log: Log, topic: string, decoder: RecordDecoder<DeadLetter>, wanted: Selection = {}): AsyncGenerator<Found, void, undefined> {
  const partitions = (await log.partitionsOf([topic])).get(topic) ?? 0;
  const reader = await log.openReader();
  try {
    for (let partition = 0; partition < partitions; partition++) {
      if (wanted.at !== undefined && wanted.at.partition !== partition) continue;
      const [begin] = await log.committedPositions(NO_GROUP, [topic], partition);
      const feed = reader.open(begin!);
      for (let batch = await nextBatch(reader, feed); batch.length > 0; batch = await nextBatch(reader, feed)) {
        await decoder.prepare(batch);
        for (const record of batch) {
          const found = { at: { partition, offset: record.offset }, letter: open(decoder, record) };
          if (selected(found, wanted)) yield found;
        }
      }
      feed.close();
    }
  } finally {
    await reader.close();
  }
}

function open(decoder: RecordDecoder<DeadLetter>, record: LogRecord): DeadLetter {
  const decoded = decoder.decode(record);
  if (decoded.ok) return decoded.event;
  throw new FarhandError('FARHAND_POISON_RECORD', `${record.topic}/${record.partition}@${record.offset} is no dead letter: ${decoded.reason} ${decoded.detail}`);
}

/** The next records of a feed; none at its end. FARHAND_LOG_UNAVAILABLE where the log does not answer. */
export async function nextBatch(reader: Reader, feed: Feed, max = BATCH_RECORDS_MAX): Promise<LogRecord[]> {
  for (let asked = 0; asked < ASKED_MAX; asked++) {
    const batch: LogRecord[] = [];
    while (batch.length < max && feed.headTimestamp() !== undefined) batch.push(feed.shift());
    if (batch.length > 0 || feed.caughtUp) return batch;
    await reader.wait(WAIT_MS);
  }
  throw new FarhandError('FARHAND_LOG_UNAVAILABLE', `no answer for ${feed.topic}/${feed.partition}`);
}

const time = (ms: number | null): string => (ms === null ? '-' : new Date(ms).toISOString());

/** Names and details hold what strangers sent: nothing in them may be taken by a terminal for a command or a line's end. */
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const printable = (text: string): string => text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/g, '\ufffd');

/** One line of `list`, with tabs between its columns. */
export function tableLine({ at, letter }: Found): string {
  const detail = letter.detail.length > DETAIL_MAX ? `${letter.detail.slice(0, DETAIL_MAX - 1)}…` : letter.detail;
  const columns = [`${at.partition}:${at.offset}`, letter.reason, `${letter.topic}/${letter.partition}@${letter.offset}`, time(letter.arrivedAt), detail];
  return columns.map(printable).join('\t');
}

export function jsonLine({ at, letter }: Found): string {
  return `{"at":"${at.partition}:${at.offset}",${deadLetterToNdjson(letter).trimEnd().slice(1)}`;
}
