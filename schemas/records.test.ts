/** Holds the TypeScript shapes of records.ts to the Avro files: the same fields, kinds, enum symbols and nullability. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { RecordNode, SchemaNode } from '#lib/codec/avro-schema.ts';
import { RECORD_NAMES, schemaOf } from '#lib/codec/schemas.ts';

/** A type as both sides can be written: `number`, `bytes`, `A | B` (symbols, sorted), `T[]`, `T?` (nullable), `{a: T, …}`. */
type Members = Map<string, string>;

const source = readFileSync(new URL('records.ts', import.meta.url), 'utf8')
  .replace(/\/\*[\s\S]*?\*\//g, '')
  .replace(/\/\/.*$/gm, '');

const aliases = new Map<string, string>();
for (const [, name, body] of source.matchAll(/export type (\w+) =([^;]+);/g)) aliases.set(name as string, body as string);
const interfaces = new Map<string, { parent: string | undefined; body: string }>();
for (const [, name, parent, body] of source.matchAll(/export interface (\w+)(?: extends (\w+))? \{\n([\s\S]*?)\n\}/g)) {
  interfaces.set(name as string, { parent, body: body as string });
}

/** Splits at `separator` outside of brackets and quotes. */
function split(text: string, separator: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const c of text) {
    if ('{[('.includes(c)) depth++;
    if ('}])'.includes(c)) depth--;
    if (c === separator && depth === 0) parts.push('');
    else parts[parts.length - 1] += c;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

function membersOf(body: string): Members {
  return new Map(split(body.replaceAll('\n', ' '), ';').map((line) => [line.slice(0, line.indexOf(':')).trim(), typeOf(line.slice(line.indexOf(':') + 1))]));
}

function interfaceMembers(name: string): Members {
  const found = interfaces.get(name);
  if (found === undefined) throw new Error(`records.ts has no interface ${name}`);
  return new Map([...(found.parent === undefined ? [] : interfaceMembers(found.parent)), ...membersOf(found.body)]);
}

function typeOf(text: string): string {
  const t = text.trim();
  const branches = split(t, '|');
  if (branches.includes('null')) return `${typeOf(branches.filter((branch) => branch !== 'null').join(' | '))}?`;
  if (branches.every((branch) => branch.startsWith("'"))) return branches.map((branch) => branch.slice(1, -1)).toSorted().join(' | ');
  if (branches.length > 1) throw new Error(`records.ts: ${t} has no Avro form here`);
  if (t.endsWith('[]')) return `${typeOf(t.slice(0, -2))}[]`;
  if (t.startsWith('(')) return typeOf(t.slice(1, -1));
  if (t.startsWith('{')) return shown(membersOf(t.slice(1, -1)));
  if (t === 'DeadLetterReason') return 'string'; // a string in Avro, so that a new reason breaks no reader
  if (t === 'Uint8Array') return 'bytes';
  if (['string', 'number', 'boolean'].includes(t)) return t;
  return aliases.has(t) ? typeOf((aliases.get(t) as string).replace(/^\s*\|/, '')) : shown(interfaceMembers(t));
}

function shown(members: Members): string {
  const fields = [...members].filter(([name]) => name !== 'type').map(([name, type]) => `${name}: ${type}`);
  return `{${fields.toSorted().join(', ')}}`;
}

function avroType(node: SchemaNode): string {
  switch (node.kind) {
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return 'number';
    case 'enum':
      return node.symbols.toSorted().join(' | ');
    case 'array':
      return `${avroType(node.items)}[]`;
    case 'union':
      return `${avroType(node.branches[1] as SchemaNode)}?`;
    case 'record':
      return shown(new Map(node.fields.map((field) => [field.name, avroType(field.type)])));
    default:
      return node.kind;
  }
}

for (const name of RECORD_NAMES) {
  test(`${name}.avsc and records.ts say the same`, () => {
    const node = schemaOf(name).node as RecordNode;
    const members = interfaceMembers(name);
    expect(members.get('type')).toBe(name);
    members.delete('type');
    expect(Object.fromEntries(node.fields.map((field) => [field.name, avroType(field.type)]))).toEqual(Object.fromEntries(members));
  });
}
