/** Reads settings out of a YAML file and the environment, and remembers where each came from. */
import { isMap, isNode, isScalar, isSeq, LineCounter, parse, parseDocument, type Document } from 'yaml';
import { alternatives, typesOf, type ConfigKey, type Path, type SchemaNode } from './config-schema.ts';
import { FarhandError } from './errors.ts';

/** Where values came from: `farhand.yaml:12` or the name of a variable, by path. */
export class Sources {
  readonly #places = new Map<string, string>();

  set(path: Path, place: string): void {
    this.#places.set(JSON.stringify(path.map(String)), place);
  }

  /** The place of a path or of the nearest one above it; null where it is a default. */
  of(path: Path): string | null {
    for (let length = path.length; length > 0; length--) {
      const place = this.#places.get(JSON.stringify(path.slice(0, length).map(String)));
      if (place !== undefined) return place;
    }
    return null;
  }

  /** The place of exactly this path. */
  at(path: Path): string | null {
    return this.#places.get(JSON.stringify(path.map(String))) ?? null;
  }
}

export function configError(message: string, cause?: unknown): FarhandError {
  return new FarhandError('FARHAND_CONFIG_INVALID', message, { cause });
}

/** YAML text → plain value; notes the line of every key. Refuses duplicate keys, several documents and broken text. */
export function readYaml(text: string, file: string, sources: Sources): Record<string, unknown> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false, stringKeys: true });
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) {
    const [from] = problem.pos;
    // The key alone: its value may be a secret.
    const told = problem.code === 'DUPLICATE_KEY' ? `${text.slice(from).split(/[:\n]/, 1)[0]!.trim()} is set a second time: allowed is once` : problem.message;
    throw configError(`${file}:${lines.linePos(from).line}: ${told}`, problem);
  }
  notePlaces(document, (offset) => `${file}:${lines.linePos(offset).line}`, sources);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw configError(`${file}: ${(error as Error).message}`, error);
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw configError(`${file}: a map of sections is needed`);
  return value as Record<string, unknown>;
}

function notePlaces(document: Document, placeOf: (offset: number) => string, sources: Sources): void {
  const walk = (node: unknown, path: Path): void => {
    if (isMap(node)) {
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? String(key.value) : String(key);
        const range = isNode(key) ? key.range : null;
        if (range) sources.set([...path, name], placeOf(range[0]));
        walk(value, [...path, name]);
      }
    } else if (isSeq(node)) {
      node.items.forEach((item, i) => {
        if (isNode(item) && item.range) sources.set([...path, i], placeOf(item.range[0]));
        walk(item, [...path, i]);
      });
    }
  };
  walk(document.contents, []);
}

/**
 * The text of a variable as the kind of value that the key takes. Lists: `a,b,c` or YAML (`[a, b]`); maps: YAML or JSON.
 * What does not fit stays text, so that the schema refuses it in its own words.
 */
export function coerce(text: string, node: SchemaNode): unknown {
  const types = typesOf(node);
  if (types.has('null') && text === 'null') return null;
  if (types.has('array')) {
    if (/^\s*\[/.test(text)) return parsedOr(text);
    const items = alternatives(node).find((option) => option.items !== undefined)?.items ?? {};
    return text.split(',').map((item) => coerce(item.trim(), items));
  }
  if (types.has('object')) return parsedOr(text);
  if (types.has('integer') || types.has('number')) {
    if (/^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(text)) return Number(text);
  }
  if (types.has('boolean') && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  return text;
}

function parsedOr(text: string): unknown {
  try {
    return parse(text, { uniqueKeys: true, logLevel: 'error' }) as unknown;
  } catch {
    return text;
  }
}

/** Short names that are common outside Farhand; the FARHAND_… variable of the same key wins over them. */
export const ALIASES: Readonly<Record<string, string>> = {
  KAFKA_BROKERS: 'FARHAND_KAFKA_BROKERS',
  REDIS_URL: 'FARHAND_REDIS_URL',
};

/** Puts the values of set, non-empty variables into `target` (a map of sections), over what is there. */
export function readEnvironment(
  environment: NodeJS.ProcessEnv,
  keys: readonly ConfigKey[],
  target: Record<string, unknown>,
  sources: Sources,
): void {
  const aliasOf = new Map(Object.entries(ALIASES).map(([alias, variable]) => [variable, alias]));
  for (const { path, variable, node } of keys) {
    const alias = aliasOf.get(variable);
    const name = environment[variable] ? variable : alias;
    const text = name === undefined ? undefined : environment[name];
    if (name === undefined || text === undefined || text === '') continue;
    put(target, path, coerce(text, node));
    sources.set(path, name);
  }
}

/** One key set by the command line, over file and environment; `text` is read like a variable's, `place` names where it stood. */
export interface Override {
  readonly key: ConfigKey;
  readonly text: string;
  readonly place: string;
}

export function readOverrides(overrides: readonly Override[], target: Record<string, unknown>, sources: Sources): void {
  for (const { key, text, place } of overrides) {
    put(target, key.path, coerce(text, key.node));
    sources.set(key.path, place);
  }
}

function put(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = target;
  for (const part of path.slice(0, -1)) {
    const next = at[part];
    const isPlain = typeof next === 'object' && next !== null && !Array.isArray(next);
    at = (isPlain ? next : (at[part] = {})) as Record<string, unknown>;
  }
  at[path.at(-1) as string] = value;
}
