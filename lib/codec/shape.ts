/**
 * Compiles a record schema into a function that turns any value (parsed JSON, the object of an Avro library) into the
 * TypeScript shape of the record: fields in schema order, defaults filled in, every type checked, unknown fields left
 * out. Generated code, so that all records of one name share one hidden class; only schemas of this release get here.
 */
import { assert } from '#lib/kernel/errors.ts';
import type { DeadLetterReason } from '#schemas/records.ts';
import { shortNameOf, valueOfUnion, type RecordNode, type SchemaNode } from './avro-schema.ts';
import { evaluate } from './evaluate.ts';
import { RECORD_NAMES } from './schemas.ts';

/** Thrown (not an Error: no stack is taken) when a value does not fit. */
export class ShapeFault {
  readonly reason: DeadLetterReason;
  readonly path: string;
  readonly expected: string;

  constructor(reason: DeadLetterReason, path: string, expected: string) {
    this.reason = reason;
    this.path = path;
    this.expected = expected;
  }

  get detail(): string {
    return `${this.path === '' ? 'record' : this.path}: ${this.expected}`;
  }
}

export interface ShapeOptions {
  readonly arrayItemsMax: number;
  /** `float32`: rounded to what an Avro float holds; `shortest`: the shortest decimal that reads back as that float. */
  readonly floats: 'float32' | 'shortest';
  /** Whether records of the contract get their `type`. */
  readonly tagged: boolean;
}

export type Shape = (value: unknown) => unknown;

/** Throws ShapeFault from the returned function only. */
export function compileShape(node: SchemaNode, options: ShapeOptions): Shape {
  assert(node.kind === 'record', 'a shape is compiled from a record');
  return new ShapeCompiler(options).compile(node);
}

const HELPERS = {
  wrong(path: string, expected: string, value: unknown): never {
    throw new ShapeFault('WRONG_TYPE', path, `${expected} is required, got ${describe(value)}`);
  },
  missing(path: string): never {
    throw new ShapeFault('MISSING_FIELD', path, 'is required and absent');
  },
  tooLong(path: string, length: number, max: number): never {
    throw new ShapeFault('ARRAY_TOO_LONG', path, `${length} items, at most ${max} are read`);
  },
  under(fault: unknown, prefix: string): unknown {
    return fault instanceof ShapeFault ? new ShapeFault(fault.reason, prefix + fault.path, fault.expected) : fault;
  },
  shortest: shortestFloat,
};

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'string') return value.length <= 64 ? `the string ${JSON.stringify(value)}` : `a string of ${value.length} characters`;
  return `a value of type ${typeof value}`;
}

/** Shortest decimal that reads back as the same 32-bit float: float32(110.1) is 110.0999984741211 and prints as 110.1. */
export function shortestFloat(value: number): number {
  const float = Math.fround(value);
  const milli = Math.round(float * 1000) / 1000;
  if (Math.fround(milli) === float) return milli;
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(float.toPrecision(digits));
    if (Math.fround(short) === float) return short;
  }
  return Number(float.toPrecision(9));
}

class ShapeCompiler {
  readonly #options: ShapeOptions;
  readonly #functions = new Map<string, string>();
  readonly #enums = new Map<string, ReadonlyMap<string, string>>();

  constructor(options: ShapeOptions) {
    this.#options = options;
  }

  compile(node: RecordNode): Shape {
    const main = this.#record(node);
    const source = `'use strict';\nconst { wrong, missing, tooLong, under, shortest } = helpers;\n${[...this.#functions.values()].join('\n')}\nreturn ${main};`;
    const enums = Object.fromEntries(this.#enums);
    return evaluate(source, { helpers: HELPERS, enums }) as Shape;
  }

  /** Adds the function of one record and answers its name. */
  #record(node: RecordNode): string {
    const short = shortNameOf(node.name);
    const name = `shape_${short}`;
    if (this.#functions.has(name)) return name;
    this.#functions.set(name, ''); // against endless recursion; the order of functions does not matter
    const lines: string[] = [];
    for (const field of node.fields) {
      const v = `f_${field.name}`;
      lines.push(`let ${v} = o.${field.name};`);
      lines.push(`if (${v} === undefined) { ${this.#absent(v, field)} } else { ${this.#check(field.type, v, `'${field.name}'`)} }`);
    }
    const tag = this.#options.tagged && (RECORD_NAMES as readonly string[]).includes(short) ? [`type: '${short}'`] : [];
    const members = [...tag, ...node.fields.map((field) => `${field.name}: f_${field.name}`)];
    this.#functions.set(
      name,
      `function ${name}(o) {\nif (typeof o !== 'object' || o === null || Array.isArray(o)) wrong('', 'an object', o);\n${lines.join('\n')}\nreturn { ${members.join(', ')} };\n}`,
    );
    return name;
  }

  #absent(v: string, field: { name: string; type: SchemaNode; hasDefault: boolean; default: unknown }): string {
    if (field.type.kind === 'union') return `${v} = null;`;
    if (field.type.kind === 'array') return `${v} = [];`;
    return field.hasDefault ? `${v} = ${JSON.stringify(field.default)};` : `missing('${field.name}');`;
  }

  /** Statements that check variable `v` and bring it into shape; `path` is a JavaScript expression. */
  #check(node: SchemaNode, v: string, path: string): string {
    switch (node.kind) {
      case 'boolean':
        return `if (typeof ${v} !== 'boolean') wrong(${path}, 'true or false', ${v});`;
      case 'int':
        return `if (typeof ${v} !== 'number' || (${v} | 0) !== ${v}) wrong(${path}, 'an integer of 32 bits', ${v}); ${v} = ${v} | 0;`;
      case 'long':
        return `if (!Number.isInteger(${v}) || ${v} >= ${2 ** 52} || ${v} < ${-(2 ** 52)}) wrong(${path}, 'an integer within 2^52', ${v}); ${v} += 0;`;
      case 'float':
        return `if (typeof ${v} !== 'number') wrong(${path}, 'a number', ${v}); ${v} = ${this.#options.floats === 'float32' ? 'Math.fround' : 'shortest'}(${v});`;
      case 'double':
        return `if (typeof ${v} !== 'number') wrong(${path}, 'a number', ${v});`;
      case 'string':
        return `if (typeof ${v} !== 'string') wrong(${path}, 'a string', ${v}); if (!${v}.isWellFormed()) wrong(${path}, 'well-formed Unicode', ${v});`;
      case 'bytes':
        return `if (!(${v} instanceof Uint8Array)) wrong(${path}, 'bytes', ${v});`;
      case 'enum':
        return this.#enum(node.name, node.symbols, v, path);
      case 'union':
        return this.#nullable(node.branches, v, path);
      case 'array':
        return this.#array(node.items, v, path);
      case 'record':
        return `try { ${v} = ${this.#record(node)}(${v}); } catch (fault) { throw under(fault, ${path} + '.'); }`;
      default:
        throw new TypeError(`records of this release have no ${node.kind}`);
    }
  }

  #enum(fullName: string, symbols: readonly string[], v: string, path: string): string {
    const short = shortNameOf(fullName);
    this.#enums.set(short, new Map(symbols.map((symbol) => [symbol, symbol])));
    const shown = JSON.stringify(`one of ${symbols.join(', ')}`);
    return `{ const symbol = enums.${short}.get(${v}); if (symbol === undefined) wrong(${path}, ${shown}, ${v}); ${v} = symbol; }`;
  }

  #nullable(branches: readonly SchemaNode[], v: string, path: string): string {
    return `if (${v} !== null) { ${this.#check(valueOfUnion(branches), v, path)} }`;
  }

  #array(items: SchemaNode, v: string, path: string): string {
    const max = this.#options.arrayItemsMax;
    const i = `i_${v}`;
    const x = `x_${v}`;
    const head = `if (!Array.isArray(${v})) wrong(${path}, 'an array', ${v}); if (${v}.length > ${max}) tooLong(${path}, ${v}.length, ${max});`;
    const body = this.#check(items, x, `${path} + '[' + ${i} + ']'`);
    return `${head} ${v} = ${v}.slice(); for (let ${i} = 0; ${i} < ${v}.length; ${i}++) { let ${x} = ${v}[${i}]; ${body} ${v}[${i}] = ${x}; }`;
  }
}
