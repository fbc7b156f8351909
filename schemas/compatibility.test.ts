import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type RecordNode, type SchemaNode, parseSchema, sameEncoding } from '#lib/codec/avro-schema.ts';
import { avroTypeFor } from '#lib/codec/avro-types.ts';
import { brokenPromises, unreadable } from '#lib/codec/compatibility.ts';
import { encodeBody } from '#lib/codec/encode.ts';
import { DEFAULT_DECODE_LIMITS } from '#lib/codec/limits.ts';
import { compileReader } from '#lib/codec/reader.ts';
import { SAMPLE_RECORDS } from '#lib/codec/sample-records.ts';
import { RECORD_NAMES, releasedSchemas, schemaOf } from '#lib/codec/schemas.ts';

const released = releasedSchemas();
const file = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
type Json = { [key: string]: unknown };
type Fields = { name: string; type: unknown; default?: unknown; aliases?: string[] }[];

/** The released schema of a record after somebody's change to it. */
function changed(name: string, change: (schema: Json & { fields: Fields }) => void): unknown {
  const schema = JSON.parse(file(`released/v1/${name}.avsc`)) as Json & { fields: Fields };
  change(schema);
  return schema;
}

describe('every released form of every record', () => {
  for (const { name, version, node } of released) {
    test(`${name} ${version}: today's schema reads it (BACKWARD_TRANSITIVE) and keeps its promises`, () => {
      expect(unreadable(schemaOf(name).node, node)).toEqual([]);
      expect(brokenPromises(schemaOf(name).node, node)).toEqual([]);
      const type = avroTypeFor(schemaOf(name).json);
      expect(() => type.createResolver(avroTypeFor(JSON.parse(file(`released/${version}/${name}.avsc`))))).not.toThrow();
    });

    test(`${name} ${version}: today's reader reads its golden bytes`, () => {
      const bytes = Buffer.from(file(`golden/${version}/${name}.hex`).replace(/\s/g, ''), 'hex');
      const reader = compileReader(name, node, DEFAULT_DECODE_LIMITS);
      const record = reader.read(bytes, 0, bytes.length);
      expect(reader.fault.detail).toBe('');
      expect(JSON.parse(JSON.stringify(record, bytesAsBase64))).toMatchObject(JSON.parse(file(`golden/${version}/${name}.json`)) as object);
    });
  }

  test('every golden file belongs to a released record, and every record has one', () => {
    for (const version of readdirSync(new URL('golden', import.meta.url))) {
      const expected = released.filter((schema) => schema.version === version).flatMap(({ name }) => [`${name}.hex`, `${name}.json`]);
      expect(readdirSync(new URL(`golden/${version}`, import.meta.url)).toSorted()).toEqual(expected.toSorted());
    }
    expect(new Set(released.map(({ name }) => name))).toEqual(new Set(RECORD_NAMES));
  });

  test('ids are unique; the newest form has the bytes of the current schema: a new field needs a new release and id', () => {
    expect(new Set(released.map(({ id }) => id)).size).toBe(released.length);
    expect(released.find(({ name }) => name === 'KeystrokeLatency')?.id).toBe(1);
    expect(released.find(({ name }) => name === 'Connection')?.id).toBe(2);
    for (const name of RECORD_NAMES) {
      const newest = released.findLast((schema) => schema.name === name);
      expect(newest !== undefined && sameEncoding(schemaOf(name).node, newest.node), name).toBe(true);
      expect(encodeBody(name, SAMPLE_RECORDS[name]).toString('hex'), name).toBe(file(`golden/${newest?.version}/${name}.hex`).replace(/\s/g, ''));
    }
  });
});

/** Bytes are base64 in the JSON of a golden record. */
function bytesAsBase64(this: Json, key: string, value: unknown): unknown {
  return this[key] instanceof Uint8Array ? Buffer.from(this[key]).toString('base64') : value;
}

describe('a change is refused', () => {
  const refusals: [string, string, string, (schema: Json & { fields: Fields }) => void][] = [
    ['a new field without a default', 'Vantage', 'altitude: new without a default', (s) => s.fields.push({ name: 'altitude', type: 'double' })],
    ['a new field whose default has the wrong type', 'Vantage', 'altitude: the default is no null', (s) => s.fields.push({ name: 'altitude', type: ['null', 'double'], default: 0 })],
    ['a changed type', 'Connection', 'sourceIp: string became int', (s) => (field(s, 'sourceIp').type = 'int')],
    ['a narrowed type', 'Feedback', 'at: long became int', (s) => (field(s, 'at').type = 'int')],
    ['a nullable field made required', 'Connection', 'mss: null became int', (s) => (field(s, 'mss').type = 'int')],
    ['changed items of an array', 'KeystrokeLatency', 'holdMs[]: float became int', (s) => (field(s, 'holdMs').type = { type: 'array', items: 'int' })],
    ['a removed enum symbol', 'Connection', 'phase: symbol CLOSE of farhand.v1.Phase went away', (s) => (field(s, 'phase').type = { type: 'enum', name: 'Phase', symbols: ['OPEN', 'SAMPLE'] })],
    ['a renamed record', 'Vantage', 'record: farhand.v1.Vantage was renamed to farhand.v1.Site without an alias', (s) => (s['name'] = 'Site')],
    ['a renamed field', 'Vantage', 'title: new without a default', (s) => (s.fields[3] = { name: 'title', type: 'string' })],
  ];
  for (const [what, name, reason, change] of refusals) {
    test(what, () => {
      const json = changed(name, change);
      expect(unreadable(parseSchema(json), v1(name))).toContain(reason);
      expect(() => avroTypeFor(json).createResolver(avroTypeFor(JSON.parse(file(`released/v1/${name}.avsc`))))).toThrow();
    });
  }

  const promises: [string, string, (schema: Json & { fields: Fields }) => void][] = [
    ['a field that goes away', 'note: went away', (s) => s.fields.splice(5, 1)],
    ['a widened type', 'latitude: double became float', (s) => (field(s, 'latitude').type = ['null', 'float'])],
    ['fields in another order', 'record: fields changed their order', (s) => s.fields.reverse()],
    ['a branch of a union that goes away', 'note: union became string', (s) => (field(s, 'note').type = 'string')],
  ];
  for (const [what, reason, change] of promises) {
    test(`by the contract: ${what}`, () => expect(brokenPromises(parseSchema(changed('NetworkPolicy', change)), v1('NetworkPolicy'))).toContain(reason));
  }

  test('but a new field with a default, a new symbol, an alias and new docs are allowed', () => {
    const json = changed('Vantage', (s) => {
      s.fields.push({ name: 'altitude', type: ['null', 'double'], default: null });
      s['doc'] = 'New words.';
      s['name'] = 'Site';
      s['aliases'] = ['Vantage'];
    });
    expect(unreadable(parseSchema(json), v1('Vantage'))).toEqual([]);
    const symbols = changed('Connection', (s) => (field(s, 'phase').type = { type: 'enum', name: 'Phase', symbols: ['OPEN', 'SAMPLE', 'CLOSE', 'RESUME'] }));
    expect(unreadable(parseSchema(symbols), v1('Connection'))).toEqual([]);
    expect(brokenPromises(parseSchema(symbols), v1('Connection'))).toEqual([]);
  });
});

function field(schema: { fields: Fields }, name: string): Fields[number] {
  return schema.fields.find((candidate) => candidate.name === name) as Fields[number];
}

function v1(name: string): SchemaNode {
  return released.find((schema) => schema.name === name)?.node as SchemaNode;
}

describe('the schemas as documents', () => {
  test('every record and field has a doc, and a type of one name is the same in every file', () => {
    const seen = new Map<string, SchemaNode>();
    const visit = (json: unknown, where: string): void => {
      if (Array.isArray(json)) return json.forEach((branch) => visit(branch, where));
      if (typeof json !== 'object' || json === null) return;
      const { type, name, doc, fields, items } = json as { type?: unknown; name?: string; doc?: string; fields?: Json[]; items?: unknown };
      if (type === 'record' || type === 'enum') expect(doc, `${where} ${name}`).toMatch(/\S/);
      for (const each of fields ?? []) {
        expect(each['doc'], `${name}.${String(each['name'])}`).toMatch(/\S/);
        expect(JSON.stringify(each), `${name}.${String(each['name'])}`).toMatch(/(At|observed|Start|End|From|To)","type":(\["null",)?"long"/.test(JSON.stringify(each)) ? /timestamp-millis/ : /./);
        visit(each['type'], `${where} ${name}`);
      }
      visit(items, where);
      if (typeof type === 'object') visit(type, where);
    };
    const collect = (node: SchemaNode): void => {
      if (node.kind === 'array') return collect(node.items);
      if (node.kind === 'union') return node.branches.forEach(collect);
      if (node.kind !== 'record' && node.kind !== 'enum') return;
      const known = seen.get(node.name);
      if (known !== undefined) return expect(sameEncoding(known, node), `${node.name} differs between files`).toBe(true);
      seen.set(node.name, node);
      if (node.kind === 'record') (node as RecordNode).fields.forEach(({ type }) => collect(type));
    };
    for (const name of RECORD_NAMES) {
      visit(schemaOf(name).json, name);
      collect(schemaOf(name).node);
    }
    expect(seen.size).toBeGreaterThan(30);
  });
});
