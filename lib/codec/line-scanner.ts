/**
 * The quick way for lines of NDJSON that are written plainly: keys in schema order (absent ones may be left out), no
 * escapes, no exponents, white space only after colons and commas. Generated code reads such a line straight
 * into the TypeScript shape. It never refuses: whatever is written otherwise, or wrong, is answered with undefined and
 * read by JSON.parse instead; a test holds both to the same answers.
 */
import { shortNameOf, valueOfUnion, type FieldNode, type RecordNode, type SchemaNode } from './avro-schema.ts';
import type { DecodeResult } from './decoder.ts';
import { evaluate } from './evaluate.ts';
import type { FloatPool } from './float-pool.ts';
import { HELPERS, NOT_PLAIN, ScanCursor } from './plain-values.ts';
import { sourceOfEqual } from './words.ts';

type ScannedLine = Extract<DecodeResult<unknown>, { ok: true }>;

/** The line is `bytes[start, end)`, `arrivedAt` its arrival where it does not say so itself. Undefined where it is not plain. */
export type LineScanner = (bytes: Uint8Array, start: number, end: number, arrivedAt: number | null) => ScannedLine | undefined;

/** @param pool whose arrays of floats records get: of use until its next `release` */
export function compileLineScanner(records: ReadonlyMap<string, RecordNode>, arrayItemsMax: number, pool: FloatPool | null = null): LineScanner {
  const scan = new ScanCompiler().compile(records);
  const cursor = new ScanCursor(arrayItemsMax, pool);
  return (bytes, start, end, arrivedAt) => {
    cursor.begin(bytes, start, end);
    try {
      const scanned = scan(cursor, arrivedAt);
      return cursor.position === cursor.end ? scanned : undefined;
    } catch (fault) {
      if (fault === NOT_PLAIN) return undefined;
      throw fault;
    }
  };
}

class ScanCompiler {
  readonly #functions = new Map<string, string>();

  compile(records: ReadonlyMap<string, RecordNode>): (cursor: ScanCursor, arrivedAt: number | null) => ScannedLine {
    const cases = [...records].map(([name, node]) => `if (${this.#literal(`"${name}"`)}(c)) { next(c); event = ${this.#record(node, name)}(c); }`);
    const main = `function scan(c, arrivedAt) {
open(c);
if (!${this.#member('type')}(c)) fail();
let event;
${[...cases, 'fail();'].join(' else ')}
if (${this.#member('arrivedAt')}(c)) { if (!isNull(c)) arrivedAt = long(c); next(c); }
close(c);
return { ok: true, event, arrivedAt };
}`;
    const source = `'use strict';\nconst { ${Object.keys(HELPERS).join(', ')} } = helpers;\n${[...this.#functions.values()].join('\n')}\n${main}\nreturn scan;`;
    return evaluate(source, { helpers: HELPERS }) as (cursor: ScanCursor, arrivedAt: number | null) => ScannedLine;
  }

  /** Name of a function that is true where `text` is next, and then stands behind it. */
  #literal(text: string): string {
    const name = `at_${Buffer.from(text).toString('hex')}`;
    this.#functions.set(name, `function ${name}(c) {\nconst { view, position } = c;\nif (position >= c.end || !(${sourceOfEqual(text, 'view', 'position')})) return false;\nc.position = position + ${text.length};\nreturn true;\n}`);
    return name;
  }

  /** Name of a function that is true where the member of that name is next; then the value follows. */
  #member(key: string): string {
    const name = `member_${key}`;
    this.#functions.set(name, `function ${name}(c) {\nif (!c.more || !${this.#literal(`"${key}":`)}(c)) return false;\nskipSpace(c);\nreturn true;\n}`);
    return name;
  }

  /** Name of a function that reads one of the symbols. */
  #symbol(fullName: string, symbols: readonly string[]): string {
    const name = `symbol_${shortNameOf(fullName)}`;
    this.#functions.set(name, `function ${name}(c) {\n${symbols.map((symbol) => `if (${this.#literal(`"${symbol}"`)}(c)) return '${symbol}';`).join('\n')}\nfail();\n}`);
    return name;
  }

  /** Members of one record; the outermost has its braces read by `scan`, and its type is its name. */
  #record(node: RecordNode, tag: string | null): string {
    const name = `scan_${shortNameOf(node.name)}`;
    if (this.#functions.has(name)) return name;
    this.#functions.set(name, '');
    const lines = node.fields.map((field) => `let f_${field.name}; if (${this.#member(field.name)}(c)) { f_${field.name} = ${field.name === 'eventId' ? 'newString(c)' : this.#value(field.type)}; next(c); } else { ${absent(field)} }`);
    const members = [...(tag === null ? [] : [`type: '${tag}'`]), ...node.fields.map((field) => `${field.name}: f_${field.name}`)];
    const [open, close] = tag === null ? ['open(c);', 'close(c); c.more = true;'] : ['', ''];
    this.#functions.set(name, `function ${name}(c) {\n${open}\n${lines.join('\n')}\n${close}\nreturn { ${members.join(', ')} };\n}`);
    return name;
  }

  /** A JavaScript expression that reads one value. */
  #value(node: SchemaNode): string {
    switch (node.kind) {
      case 'boolean':
      case 'int':
      case 'long':
      case 'float':
      case 'double':
      case 'string':
        return `${node.kind}(c)`;
      case 'enum':
        return `${this.#symbol(node.name, node.symbols)}(c)`;
      case 'union':
        return `(isNull(c) ? null : ${this.#value(valueOfUnion(node.branches))})`;
      case 'array':
        return node.items.kind === 'float' ? 'floats(c)' : `items(c, (c) => ${this.#value(node.items)})`;
      case 'record':
        return `${this.#record(node, null)}(c)`;
      default:
        throw new TypeError(`lines of this release have no ${node.kind}`);
    }
  }
}

/** The same that shape.ts fills in; a field that must be there is left to it to miss. */
function absent(field: FieldNode): string {
  if (field.type.kind === 'union') return `f_${field.name} = null;`;
  if (field.type.kind === 'array') return `f_${field.name} = [];`;
  return field.hasDefault ? `f_${field.name} = ${JSON.stringify(field.default)};` : 'fail();';
}
