/** Records that never were bytes, made equal to those that were. */
import type { HistoryRecord } from '#schemas/records.ts';
import type { RecordName } from './decoder.ts';
import { INTERNAL_DECODE_LIMITS } from './limits.ts';
import { schemaOf } from './schemas.ts';
import { type Shape, compileShape } from './shape.ts';

const shapes = new Map<RecordName, Shape>();

/**
 * The record as it comes back from Avro or NDJSON: `float` fields rounded to 32 bits, fields in schema order. A host
 * that hands the simulator's objects to a pipeline passes them through here, so that its findings are those of a run
 * over Kafka or files. Throws ShapeFault when the record does not have the shape of its schema.
 */
export function asDecoded<T extends HistoryRecord>(record: T): T {
  let shape = shapes.get(record.type);
  if (shape === undefined) {
    const { arrayItemsMax } = INTERNAL_DECODE_LIMITS;
    shape = compileShape(schemaOf(record.type).node, { arrayItemsMax, floats: 'float32', tagged: true });
    shapes.set(record.type, shape);
  }
  return shape(record) as T;
}
