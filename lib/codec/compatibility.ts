/** The rules that a changed schema must keep: Avro's schema resolution, and the contract's own promise. */
import type { EnumNode, FieldNode, RecordNode, SchemaNode } from './avro-schema.ts';

/** Writer kind → reader kinds that may take it. Source: Avro specification 1.12, schema resolution. */
const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
};

/**
 * Why `reader` cannot read what `writer` wrote, one line per reason; empty when it can. Called for every released
 * version it is the registry's BACKWARD_TRANSITIVE.
 */
export function unreadable(reader: SchemaNode, writer: SchemaNode): readonly string[] {
  return new Comparison().read(reader, writer, '');
}

/**
 * What breaks the contract although Avro would read it: a field that went away, changed its type or its place among
 * those that were there. Names and meanings of a released record stay; it may gain fields.
 */
export function brokenPromises(current: SchemaNode, released: SchemaNode): readonly string[] {
  return new Promises().check(current, released, '');
}

class Comparison {
  readonly #seen = new Map<SchemaNode, Set<SchemaNode>>();

  read(reader: SchemaNode, writer: SchemaNode, path: string): readonly string[] {
    if (writer.kind === 'union') return writer.branches.flatMap((branch) => this.read(reader, branch, path));
    if (reader.kind === 'union') {
      const all = reader.branches.map((branch) => this.read(branch, writer, path));
      if (all.some((reasons) => reasons.length === 0)) return [];
      const same = all.find((_, i) => reader.branches[i]?.kind === writer.kind);
      return same ?? [`${path}: no branch of the union takes ${writer.kind}`];
    }
    if (reader.kind !== writer.kind) {
      return PROMOTIONS[writer.kind]?.includes(reader.kind) === true ? [] : [`${path}: ${writer.kind} became ${reader.kind}`];
    }
    switch (reader.kind) {
      case 'array':
        return this.read(reader.items, (writer as typeof reader).items, `${path}[]`);
      case 'map':
        return this.read(reader.values, (writer as typeof reader).values, `${path}{}`);
      case 'fixed':
        if (reader.size !== (writer as typeof reader).size) return [`${path}: fixed of ${(writer as typeof reader).size} bytes became one of ${reader.size}`];
        return renamed(reader, writer as typeof reader, path);
      case 'enum':
        return this.#enum(reader, writer as EnumNode, path);
      case 'record':
        return this.#record(reader, writer as RecordNode, path);
      default:
        return [];
    }
  }

  #enum(reader: EnumNode, writer: EnumNode, path: string): readonly string[] {
    const gone = reader.default !== null ? [] : writer.symbols.filter((symbol) => !reader.symbols.includes(symbol));
    return [...renamed(reader, writer, path), ...gone.map((symbol) => `${path}: symbol ${symbol} of ${reader.name} went away`)];
  }

  #record(reader: RecordNode, writer: RecordNode, path: string): readonly string[] {
    const seen = this.#seen.get(reader) ?? new Set();
    if (seen.has(writer)) return [];
    this.#seen.set(reader, seen.add(writer));
    const reasons = [...renamed(reader, writer, path)];
    for (const field of reader.fields) {
      const at = path === '' ? field.name : `${path}.${field.name}`;
      const written = writer.fields.find(({ name }) => name === field.name || field.aliases.includes(name));
      if (written !== undefined) reasons.push(...this.read(field.type, written.type, at));
      else if (!field.hasDefault) reasons.push(`${at}: new without a default`);
      else if (!fits(field)) reasons.push(`${at}: the default is no ${firstBranch(field.type).kind}`);
    }
    return reasons;
  }
}

function renamed(reader: { name: string; aliases: readonly string[] }, writer: { name: string }, path: string): readonly string[] {
  if (reader.name === writer.name || reader.aliases.includes(writer.name)) return [];
  return [`${path === '' ? 'record' : path}: ${writer.name} was renamed to ${reader.name} without an alias`];
}

function firstBranch(type: SchemaNode): SchemaNode {
  return type.kind === 'union' ? (type.branches[0] as SchemaNode) : type;
}

/** Whether a default has the type of its field (of the first branch, in a union). Source: Avro specification 1.12. */
function fits(field: FieldNode): boolean {
  const type = firstBranch(field.type);
  const value = field.default;
  switch (type.kind) {
    case 'null':
      return value === null;
    case 'boolean':
      return typeof value === 'boolean';
    case 'int':
    case 'long':
      return Number.isSafeInteger(value);
    case 'float':
    case 'double':
      return typeof value === 'number';
    case 'enum':
      return type.symbols.includes(value as string);
    case 'array':
      return Array.isArray(value);
    case 'map':
    case 'record':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === 'string';
  }
}

class Promises {
  readonly #seen = new Set<SchemaNode>();

  check(current: SchemaNode, released: SchemaNode, path: string): readonly string[] {
    if (current.kind !== released.kind) return [`${path}: ${released.kind} became ${current.kind}`];
    if (current.kind === 'array') return this.check(current.items, (released as typeof current).items, `${path}[]`);
    if (current.kind === 'union') {
      const before = (released as typeof current).branches;
      if (current.branches.length < before.length) return [`${path}: a branch of the union went away`];
      return before.flatMap((branch, i) => this.check(current.branches[i] as SchemaNode, branch, path));
    }
    if (current.kind !== 'record' || this.#seen.has(released)) return [];
    this.#seen.add(released);
    const before = (released as RecordNode).fields;
    const gone = before.filter(({ name }) => !current.fields.some((field) => field.name === name));
    const kept = current.fields.filter(({ name }) => before.some((field) => field.name === name));
    const moved = gone.length === 0 && kept.some((field, i) => field.name !== before[i]?.name);
    return [
      ...gone.map(({ name }) => `${path}${path === '' ? '' : '.'}${name}: went away`),
      ...(moved ? [`${path === '' ? 'record' : path}: fields changed their order`] : []),
      ...kept.flatMap((field) => {
        const old = before.find(({ name }) => name === field.name) as FieldNode;
        return this.check(field.type, old.type, `${path}${path === '' ? '' : '.'}${field.name}`);
      }),
    ];
  }
}
