/** Where writer schemas come from, by the 4-byte id of a Confluent frame. */
import type { SchemaNode } from './avro-schema.ts';
import type { RecordName } from './decoder.ts';
import { releasedSchemas } from './schemas.ts';

/** One writer schema. The same id always answers the same object, so that readers can be cached by it. */
export interface WriterSchema {
  readonly id: number;
  readonly node: SchemaNode;
}

/** Why there is no usable writer schema: it does not exist, or what the registry holds is no Avro schema. */
export interface NoSchema {
  readonly absent: string;
}

/**
 * `lookup` is synchronous, so that decoding is; `prepare` fetches what a batch needs first.
 */
export interface SchemaSource {
  /** Undefined: not prepared (or fallen out of the cache); prepare it and look again. */
  lookup(id: number): WriterSchema | NoSchema | undefined;
  /** Undefined when nothing has to be fetched. Rejects with FARHAND_REGISTRY_UNAVAILABLE, which is retriable. */
  prepare(ids: Iterable<number>): undefined | Promise<void>;
  /** The id to write a record with. Throws FARHAND_INVARIANT before `prepareWriters` has resolved for that record. */
  writerId(name: RecordName): number;
  /** Registers or looks up the schemas that will be written; call it once at start. */
  prepareWriters(names: readonly RecordName[]): undefined | Promise<void>;
}

/**
 * The mode without a registry: every released schema under its fixed id of schemas/ids.json. Writers use the newest
 * id, whose bytes are those of the current schemas (compatibility.test.ts holds both together).
 */
export function fileSchemaSource(): SchemaSource {
  const byId = new Map<number, WriterSchema>();
  const newest = new Map<RecordName, number>();
  for (const { name, id, node } of releasedSchemas()) {
    byId.set(id, { id, node });
    newest.set(name, id);
  }
  return {
    lookup: (id) => byId.get(id) ?? { absent: `schema id ${id} is not in schemas/ids.json` },
    prepare: () => undefined,
    writerId: (name) => newest.get(name) as number,
    prepareWriters: () => undefined,
  };
}
