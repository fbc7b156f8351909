/**
 * Avro schemas as a tree that the guard, the readers and the compatibility rules are compiled from. Parsing is
 * bounded, because a schema may come out of a stranger's file header or registry. Source: Avro specification 1.12.
 */
import { assert, FarhandError } from '#lib/kernel/errors.ts';

type Primitive = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string';

export interface FieldNode {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly type: SchemaNode;
  readonly hasDefault: boolean;
  readonly default: unknown;
}
export interface RecordNode {
  readonly kind: 'record';
  /** Full name, with namespace. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly fields: FieldNode[];
}
export interface EnumNode {
  readonly kind: 'enum';
  readonly name: string;
  readonly aliases: readonly string[];
  readonly symbols: readonly string[];
  readonly default: string | null;
}
export type SchemaNode =
  | { readonly kind: Primitive }
  | { readonly kind: 'fixed'; readonly name: string; readonly aliases: readonly string[]; readonly size: number }
  | EnumNode
  | { readonly kind: 'array'; readonly items: SchemaNode }
  | { readonly kind: 'map'; readonly values: SchemaNode }
  | { readonly kind: 'union'; readonly branches: readonly SchemaNode[] }
  | RecordNode;

/** The name without its namespace. */
export const shortNameOf = (fullName: string): string => fullName.slice(fullName.lastIndexOf('.') + 1);

/** What may stand in a union besides null: those of this release are all `["null", T]`. */
export function valueOfUnion(branches: readonly SchemaNode[]): SchemaNode {
  const [first, second] = branches;
  assert(branches.length === 2 && first?.kind === 'null' && second !== undefined, 'a union of this release is ["null", T]');
  return second;
}

const PRIMITIVES = new Set<string>(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']);
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,255}$/;
const FULL_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,255}(\.[A-Za-z_][A-Za-z0-9_]{0,255}){0,15}$/;
/** Nesting of a schema's JSON. */
const SCHEMA_DEPTH_MAX = 32;
/** Types of one schema. */
const SCHEMA_NODES_MAX = 4_096;
/** Bytes of a fixed type. */
const FIXED_SIZE_MAX = 65_536;

type Json = Record<string, unknown>;

function refuse(message: string): never {
  throw new FarhandError('FARHAND_SCHEMA_INCOMPATIBLE', `not a usable Avro schema: ${message}`);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Parses a schema's JSON; throws FARHAND_SCHEMA_INCOMPATIBLE when it is no valid schema or too large. */
export function parseSchema(json: unknown): SchemaNode {
  return new Parser().parse(json, '', 0);
}

class Parser {
  readonly #named = new Map<string, SchemaNode>();
  #nodes = 0;

  parse(json: unknown, namespace: string, depth: number): SchemaNode {
    if (depth > SCHEMA_DEPTH_MAX) refuse(`nested deeper than ${SCHEMA_DEPTH_MAX}`);
    if (++this.#nodes > SCHEMA_NODES_MAX) refuse(`more than ${SCHEMA_NODES_MAX} types`);
    if (typeof json === 'string') return this.#byName(json, namespace);
    if (Array.isArray(json)) {
      const branches = json.map((branch) => this.parse(branch, namespace, depth + 1));
      if (branches.some((branch) => branch.kind === 'union')) refuse('a union directly within a union');
      return { kind: 'union', branches };
    }
    if (!isObject(json)) refuse('neither a name, a list nor an object');
    switch (json['type']) {
      case 'record':
      case 'error':
        return this.#record(json, namespace, depth);
      case 'enum':
        return this.#enum(json, namespace);
      case 'fixed':
        return this.#fixed(json, namespace);
      case 'array':
        return { kind: 'array', items: this.parse(json['items'], namespace, depth + 1) };
      case 'map':
        return { kind: 'map', values: this.parse(json['values'], namespace, depth + 1) };
      default:
        return this.parse(json['type'], namespace, depth + 1); // {"type": "long", "logicalType": …}
    }
  }

  #byName(name: string, namespace: string): SchemaNode {
    if (PRIMITIVES.has(name)) return { kind: name as Primitive };
    const found = this.#named.get(qualify(name, namespace)) ?? this.#named.get(name);
    return found ?? refuse(`unknown type ${name.slice(0, 64)}`);
  }

  #names(json: Json, namespace: string): { name: string; namespace: string; aliases: string[] } {
    if (typeof json['name'] !== 'string') refuse('a named type without a name');
    const own = typeof json['namespace'] === 'string' ? json['namespace'] : namespace;
    const name = qualify(json['name'], own);
    if (!FULL_NAME.test(name)) refuse(`name ${JSON.stringify(name.slice(0, 64))}`);
    if (this.#named.has(name)) refuse(`${name} is defined twice`);
    const inner = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : '';
    return { name, namespace: inner, aliases: aliasesOf(json).map((alias) => qualify(alias, inner)) };
  }

  #record(json: Json, outer: string, depth: number): SchemaNode {
    const { name, namespace, aliases } = this.#names(json, outer);
    const fields: FieldNode[] = [];
    const node: RecordNode = { kind: 'record', name, aliases, fields };
    this.#named.set(name, node);
    if (!Array.isArray(json['fields'])) refuse(`${name} has no list of fields`);
    const seen = new Set<string>();
    for (const field of json['fields'] as unknown[]) {
      if (!isObject(field) || typeof field['name'] !== 'string' || !NAME.test(field['name'])) refuse(`a field of ${name} without a valid name`);
      if (seen.has(field['name'])) refuse(`${name}.${field['name']} is defined twice`);
      seen.add(field['name']);
      fields.push({
        name: field['name'],
        aliases: aliasesOf(field),
        type: this.parse(field['type'], namespace, depth + 1),
        hasDefault: 'default' in field,
        default: field['default'],
      });
    }
    return node;
  }

  #enum(json: Json, outer: string): SchemaNode {
    const { name, aliases } = this.#names(json, outer);
    const symbols = json['symbols'];
    if (!Array.isArray(symbols) || symbols.length === 0 || symbols.some((symbol) => typeof symbol !== 'string' || !NAME.test(symbol))) {
      refuse(`symbols of ${name}`);
    }
    if (new Set(symbols).size !== symbols.length) refuse(`a symbol of ${name} twice`);
    const fallback = json['default'];
    const node: SchemaNode = { kind: 'enum', name, aliases, symbols: symbols as string[], default: typeof fallback === 'string' ? fallback : null };
    this.#named.set(name, node);
    return node;
  }

  #fixed(json: Json, outer: string): SchemaNode {
    const { name, aliases } = this.#names(json, outer);
    const size = json['size'];
    if (!Number.isInteger(size) || (size as number) < 0 || (size as number) > FIXED_SIZE_MAX) refuse(`size of ${name}`);
    const node: SchemaNode = { kind: 'fixed', name, aliases, size: size as number };
    this.#named.set(name, node);
    return node;
  }
}

function aliasesOf(json: Json): string[] {
  const aliases = json['aliases'];
  return Array.isArray(aliases) ? aliases.filter((alias): alias is string => typeof alias === 'string') : [];
}

function qualify(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

/** True when two schemas put the same bytes for the same value: names, order and types agree; docs and defaults do not matter. */
export function sameEncoding(a: SchemaNode, b: SchemaNode, seen = new Map<SchemaNode, SchemaNode>()): boolean {
  if (a.kind !== b.kind) return false;
  if (seen.get(a) === b) return true;
  switch (a.kind) {
    case 'array':
      return sameEncoding(a.items, (b as typeof a).items, seen);
    case 'map':
      return sameEncoding(a.values, (b as typeof a).values, seen);
    case 'fixed':
      return a.name === (b as typeof a).name && a.size === (b as typeof a).size;
    case 'enum':
      return a.name === (b as typeof a).name && a.symbols.join() === (b as typeof a).symbols.join();
    case 'union': {
      const others = (b as typeof a).branches;
      return a.branches.length === others.length && a.branches.every((branch, i) => sameEncoding(branch, others[i] as SchemaNode, seen));
    }
    case 'record': {
      const other = b as RecordNode;
      seen.set(a, b);
      if (a.name !== other.name || a.fields.length !== other.fields.length) return false;
      return a.fields.every((field, i) => field.name === other.fields[i]?.name && sameEncoding(field.type, (other.fields[i] as FieldNode).type, seen));
    }
    default:
      return true;
  }
}

/** The schema as JSON again, named types defined where they are first met; what does not bear on bytes is left out. */
export function schemaJson(node: SchemaNode, defined = new Set<string>()): unknown {
  switch (node.kind) {
    case 'array':
      return { type: 'array', items: schemaJson(node.items, defined) };
    case 'map':
      return { type: 'map', values: schemaJson(node.values, defined) };
    case 'union':
      return node.branches.map((branch) => schemaJson(branch, defined));
    case 'fixed':
    case 'enum':
    case 'record':
      if (defined.has(node.name)) return node.name;
      defined.add(node.name);
      return namedJson(node, defined);
    default:
      return node.kind;
  }
}

function namedJson(node: SchemaNode & { readonly name: string }, defined: Set<string>): unknown {
  if (node.kind === 'enum') return { type: 'enum', name: node.name, symbols: node.symbols };
  if (node.kind === 'fixed') return { type: 'fixed', name: node.name, size: node.size };
  const fields = (node as RecordNode).fields.map((field) => ({ name: field.name, type: schemaJson(field.type, defined) }));
  return { type: 'record', name: node.name, fields };
}
