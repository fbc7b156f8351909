/** Reading topics to their ends for traces of a person. */
import type { Log, LogRecord } from '#lib/log/log.ts';

/** Every record of the topic, by partition and in order; nothing is kept. */
export async function readTopic(log: Log, topic: string, take: (record: LogRecord) => void): Promise<void> {
  const partitions = (await log.partitionsOf([topic])).get(topic) ?? 0;
  for (let partition = 0; partition < partitions; partition++) {
    await log.readToEnd(topic, partition, (records) => {
      for (const record of records) take(record);
    });
  }
}

export interface Traces {
  /** Records whose key or value names the person, all that a reader still gets. */
  readonly records: number;
  /** Those that are the last of their key: what a compacted topic stands for. */
  readonly current: LogRecord[];
}

/** How records name a person: by their key (alone, or behind the store's name of a changelog), in Avro, in JSON or in the state of a service. */
export interface Mark {
  readonly key: Buffer;
  /** All of a form's texts stand in a value that is about the person. */
  readonly forms: readonly (readonly Buffer[])[];
}

/** Behind its length in bytes as a varint, seven bits a byte, lowest first. */
function behindLength(text: string, unitsPerByte: number): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  const length: number[] = [];
  for (let rest = bytes.length * unitsPerByte; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.concat([Buffer.from([...length, rest]), bytes]);
    length.push((rest & 0x7f) | 0x80);
  }
}
/** Avro's lengths are zigzag. */
const avroText = (text: string): Buffer => behindLength(text, 2);
/** services/detect/steps/bytes.ts writes lengths as they are. */
const stateText = (text: string): Buffer => behindLength(text, 1);
const jsonText = (text: string): Buffer => Buffer.from(JSON.stringify(text), 'utf8');

export function marksOf(tenantId: string, userIds: readonly string[]): Mark[] {
  return userIds.map((userId) => {
    const person = `${tenantId}|${userId}`;
    const both = [avroText, jsonText, stateText].map((form) => [form(tenantId), form(userId)]);
    return { key: Buffer.from(person, 'utf8'), forms: [...both, [jsonText(person)], [stateText(person)]] };
  });
}

function isOf({ key, value }: LogRecord, mark: Mark): boolean {
  if (key !== null) {
    const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
    const begin = bytes.length - mark.key.length;
    if (begin >= 0 && bytes.subarray(begin).equals(mark.key) && (begin === 0 || bytes[begin - 1] === 0)) return true;
  }
  if (value === null) return false;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return mark.forms.some((texts) => texts.every((text) => bytes.includes(text)));
}

export async function tracesIn(log: Log, topic: string, marks: readonly Mark[]): Promise<Traces> {
  let records = 0;
  const current = new Map<string, LogRecord>();
  await readTopic(log, topic, (record) => {
    const key = `${record.partition}/${record.key === null ? '' : Buffer.from(record.key).toString('base64')}`;
    current.delete(key);
    if (record.value === null || !marks.some((mark) => isOf(record, mark))) return;
    records++;
    current.set(key, record);
  });
  return { records, current: [...current.values()] };
}
