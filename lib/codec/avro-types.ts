/** The Avro library's types of this release's records, for encoding and for resolving older or newer writers. */
import avro from 'avsc';
import type { RecordName } from './decoder.ts';
import { schemaOf } from './schemas.ts';

const types = new Map<RecordName, avro.Type>();

export function avroTypeOf(name: RecordName): avro.Type {
  let type = types.get(name);
  if (type === undefined) {
    type = avroTypeFor(schemaOf(name).json);
    types.set(name, type);
  }
  return type;
}

/** Times stay numbers: logical types are not interpreted. */
export function avroTypeFor(schema: unknown): avro.Type {
  return avro.Type.forSchema(schema as avro.Schema, { omitRecordMethods: true });
}
