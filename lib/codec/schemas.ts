/** The Avro schemas of this release, read from schemas/*.avsc at start: the source of truth for names and types. */
import { readFileSync } from 'node:fs';
import { FarhandError } from '#lib/kernel/errors.ts';
import { type SchemaNode, parseSchema } from './avro-schema.ts';
import type { RecordName } from './decoder.ts';

export const SCHEMA_NAMESPACE = 'farhand.v1';
export const RECORD_NAMES = [
  'KeystrokeLatency',
  'Connection',
  'DeviceAssignment',
  'Vantage',
  'NetworkPolicy',
  'Feedback',
  'SuspiciousSession',
  'EnrichedKeystrokes',
  'EnrichedConnection',
  'DeadLetter',
  'FleetReport',
  'FleetFact',
  'FleetProgress',
] as const satisfies readonly RecordName[];

const FOLDER = new URL('../../schemas/', import.meta.url);

export interface LoadedSchema {
  readonly name: RecordName;
  /** The schema as JSON text without white space, as it is registered. */
  readonly text: string;
  /** The parsed JSON, for Avro libraries. */
  readonly json: unknown;
  readonly node: SchemaNode;
}

const loaded = new Map<RecordName, LoadedSchema>();

/** The current schema of a record. Throws FARHAND_SCHEMA_UNKNOWN where the file is missing or broken. */
export function schemaOf(name: RecordName): LoadedSchema {
  let schema = loaded.get(name);
  if (schema === undefined) {
    try {
      const json: unknown = JSON.parse(readFileSync(new URL(`${name}.avsc`, FOLDER), 'utf8'));
      schema = { name, text: JSON.stringify(json), json, node: parseSchema(json) };
    } catch (cause) {
      throw new FarhandError('FARHAND_SCHEMA_UNKNOWN', `schemas/${name}.avsc cannot be read`, { cause });
    }
    loaded.set(name, schema);
  }
  return schema;
}

/** `farhand.v1.Connection` → `Connection`; undefined for a name that is none of ours. */
export function recordNameOf(fullName: string): RecordName | undefined {
  return RECORD_NAMES.find((name) => fullName === `${SCHEMA_NAMESPACE}.${name}`);
}

export interface ReleasedSchema {
  readonly name: RecordName;
  /** Release that brought this form of the record, for example v1. */
  readonly version: string;
  readonly id: number;
  readonly node: SchemaNode;
}

/**
 * Every released form of every record with its fixed id, oldest first: schemas/ids.json and schemas/released. An id
 * never changes meaning; a record that gains a field gets a new folder and a new id.
 */
export function releasedSchemas(): readonly ReleasedSchema[] {
  const ids = JSON.parse(readFileSync(new URL('ids.json', FOLDER), 'utf8')) as Record<RecordName, Record<string, number>>;
  return RECORD_NAMES.flatMap((name) =>
    Object.entries(ids[name]).map(([version, id]) => {
      const text = readFileSync(new URL(`released/${version}/${name}.avsc`, FOLDER), 'utf8');
      return { name, version, id, node: parseSchema(JSON.parse(text)) };
    }),
  );
}
