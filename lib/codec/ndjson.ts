/** NDJSON: one record per line, told apart by `type` (contract section 6). */
import { isUtf8 } from 'node:buffer';
import { assert } from '#lib/kernel/errors.ts';
import type { HistoryRecord, SuspiciousSession } from '#schemas/records.ts';
import type { RecordNode } from './avro-schema.ts';
import { type DecodeResult, HISTORY_RECORDS, type RecordDecoder, type RecordName, type RecordTypes } from './decoder.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from './limits.ts';
import type { FloatPool } from './float-pool.ts';
import { compileLineScanner } from './line-scanner.ts';
import { schemaOf } from './schemas.ts';
import { type Shape, ShapeFault, compileShape } from './shape.ts';

export interface NdjsonDecoderOptions<N extends RecordName> {
  /** Which types are read; every other one is refused as UNKNOWN_TYPE. Default: all records of a history. */
  readonly names?: readonly N[];
  readonly limits?: DecodeLimits;
  /** Whose arrays of floats plain lines get: of use until its next `release`. Default: arrays of their own. */
  readonly pool?: FloatPool | null;
}

export interface LineDecoder<T> extends RecordDecoder<T> {
  /** As `decode`, of the line `bytes[start, end)`; no view of it is made where it is plain. `arrivedAt`: what holds where it says nothing itself. */
  decodeWithin(bytes: Uint8Array, start: number, end: number, arrivedAt: number | null): DecodeResult<T>;
}

/**
 * Decodes lines (RawRecord.value is one line without its line feed) into records of the full TypeScript shape:
 * absent nullable fields are null, absent arrays empty, fields with a contract default have it, `float` fields are
 * rounded to 32 bits so that a history says the same in Avro and in NDJSON. Ranges are not looked at. Plain lines take
 * the quick way of line-scanner.ts.
 * Refusals: EMPTY, TOO_LARGE, NOT_JSON, UNKNOWN_TYPE, MISSING_FIELD, WRONG_TYPE, ARRAY_TOO_LONG.
 */
export function ndjsonRecordDecoder<N extends RecordName = (typeof HISTORY_RECORDS)[number]>(
  options: NdjsonDecoderOptions<N> = {},
): LineDecoder<RecordTypes[N]> {
  const limits = options.limits ?? DEFAULT_DECODE_LIMITS;
  const names = options.names ?? (HISTORY_RECORDS as readonly RecordName[]);
  const shapes = new Map<unknown, Shape>();
  for (const name of names) {
    shapes.set(name, compileShape(schemaOf(name).node, { arrayItemsMax: limits.arrayItemsMax, floats: 'float32', tagged: true }));
  }
  const scan = compileLineScanner(new Map(names.map((name) => [name, recordNode(name)])), limits.arrayItemsMax, options.pool);
  const decodeWithin = (bytes: Uint8Array, start: number, end: number, arrivedAt: number | null): DecodeResult<RecordTypes[N]> => {
    const scanned = end - start > limits.recordBytesMax ? undefined : scan(bytes, start, end, arrivedAt);
    return (scanned ?? decodeLine(bytes.subarray(start, end), arrivedAt, shapes, limits)) as DecodeResult<RecordTypes[N]>;
  };
  return {
    prepare: () => undefined,
    decode: ({ value, arrivedAt }) => (value === null ? refuse('EMPTY', 'an empty line') : decodeWithin(value, 0, value.length, arrivedAt)),
    decodeWithin,
  };
}

function recordNode(name: RecordName): RecordNode {
  const { node } = schemaOf(name);
  assert(node.kind === 'record', 'a line holds a record');
  return node;
}

function refuse(reason: 'EMPTY' | 'TOO_LARGE' | 'NOT_JSON' | 'UNKNOWN_TYPE' | 'MISSING_FIELD' | 'WRONG_TYPE', detail: string): DecodeResult<never> {
  return { ok: false, reason, detail };
}

function decodeLine(bytes: Uint8Array, arrival: number | null, shapes: ReadonlyMap<unknown, Shape>, limits: DecodeLimits): DecodeResult<unknown> {
  if (bytes.length === 0) return refuse('EMPTY', 'an empty line');
  if (bytes.length > limits.recordBytesMax) return refuse('TOO_LARGE', `${bytes.length} bytes, at most ${limits.recordBytesMax} are read`);
  if (!isUtf8(bytes)) return refuse('NOT_JSON', 'not UTF-8');
  let line: unknown;
  try {
    line = JSON.parse(asBuffer(bytes).toString('utf8'));
  } catch (error) {
    return refuse('NOT_JSON', error instanceof SyntaxError ? withoutContent(error.message) : 'not JSON');
  }
  if (typeof line !== 'object' || line === null || Array.isArray(line)) return refuse('NOT_JSON', 'not a JSON object');
  const { type, arrivedAt = null } = line as { type?: unknown; arrivedAt?: unknown };
  const shape = shapes.get(type);
  if (shape === undefined) {
    if (type === undefined) return refuse('UNKNOWN_TYPE', 'type: is required and absent');
    return refuse('UNKNOWN_TYPE', typeof type === 'string' && type.length <= 64 ? `type: ${JSON.stringify(type)} is not read here` : 'type: not a known name');
  }
  if (arrivedAt !== null && !Number.isSafeInteger(arrivedAt)) return refuse('WRONG_TYPE', 'arrivedAt: an integer (epoch ms) is required');
  try {
    return { ok: true, event: shape(line), arrivedAt: (arrivedAt as number | null) ?? arrival };
  } catch (fault) {
    if (fault instanceof ShapeFault) return { ok: false, reason: fault.reason, detail: fault.detail };
    throw fault;
  }
}

/** V8 quotes the text that it could not parse; a dead letter's detail must not. Keeps the kind and the position. */
function withoutContent(message: string): string {
  const position = /at position \d+/.exec(message);
  if (message.startsWith('Unexpected end')) return 'not JSON: ends too early';
  return position === null ? 'not JSON' : `not JSON ${position[0]}`;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const encoders = new Map<RecordName, Shape>();

function jsonShape(name: RecordName, tagged: boolean): Shape {
  let shape = encoders.get(name);
  if (shape === undefined) {
    shape = compileShape(schemaOf(name).node, { arrayItemsMax: DEFAULT_DECODE_LIMITS.arrayItemsMax, floats: 'shortest', tagged });
    encoders.set(name, shape);
  }
  return shape;
}

function inShape(record: { readonly type: RecordName }, tagged: boolean): object {
  try {
    return jsonShape(record.type, tagged)(record) as object;
  } catch (fault) {
    if (fault instanceof ShapeFault) throw new TypeError(`${record.type} cannot be written: ${fault.detail}`, { cause: fault });
    throw fault;
  }
}

/**
 * One line of a history, line feed included: `type` first, then the fields in schema order, then `arrivedAt` where
 * given. Throws TypeError when the record does not have the shape of its schema.
 */
export function toNdjson(record: HistoryRecord, arrivedAt: number | null = null): string {
  const shaped = inShape(record, true);
  return `${JSON.stringify(arrivedAt === null ? shaped : { ...shaped, arrivedAt })}\n`;
}

/** One revision as the contract lists it (no `type`), fields in schema order, line feed included. */
export function findingToNdjson(finding: SuspiciousSession): string {
  return `${JSON.stringify(inShape(finding, false))}\n`;
}
