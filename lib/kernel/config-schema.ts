/**
 * Looks into a section's zod schema by way of its JSON Schema: which keys there are, the environment variable of each,
 * what is allowed, which are secret. The loader, the error messages and the reference page all read it from here.
 *
 * A key is secret where its schema has `.meta({ secret: true })`; `.meta({ allowed: 'host:port' })` says in words what a
 * pattern allows.
 */
import { z } from 'zod';
import { assert } from './errors.ts';

/** The parts of JSON Schema (2020-12) that zod writes and that are used here. */
export interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly secret?: boolean;
  readonly allowed?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: SchemaNode;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
}

export type Path = readonly (string | number)[];

/** One key that can be set on its own. */
export interface ConfigKey {
  readonly path: readonly string[];
  /** Its environment variable. */
  readonly variable: string;
  readonly node: SchemaNode;
  /** Descriptions of the key and of the groups above it, outermost first. */
  readonly descriptions: readonly string[];
}

export const dotted = (path: Path): string => path.join('.');

/** `allowedLatenessMs` → `ALLOWED_LATENESS_MS`. */
function upperSnake(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
}

export function variableOf(path: Path): string {
  return ['FARHAND', ...path.map((part) => upperSnake(String(part)))].join('_');
}

export function schemaNodeOf(schema: z.ZodType): SchemaNode {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as SchemaNode;
}

/** Every alternative of a node that is not a union itself: `anyOf` flattened. */
export function alternatives(node: SchemaNode): readonly SchemaNode[] {
  return (node.anyOf ?? node.oneOf)?.flatMap(alternatives) ?? [node];
}

export function typesOf(node: SchemaNode): Set<string> {
  return new Set(alternatives(node).flatMap(({ type, ...rest }) => type ?? (rest.enum ?? [rest.const]).map((value) => typeof value)));
}

/** The keys of a section in the order of its schema. Maps with free names and lists are keys as a whole. */
export function keysOf(section: string, schema: z.ZodType): ConfigKey[] {
  const keys: ConfigKey[] = [];
  const variables = new Map<string, string>();
  const walk = (path: readonly string[], node: SchemaNode, descriptions: readonly string[]): void => {
    if (node.properties !== undefined) {
      for (const [name, child] of Object.entries(node.properties)) {
        walk([...path, name], child, child.description === undefined ? descriptions : [...descriptions, child.description]);
      }
      return;
    }
    const variable = variableOf(path);
    const other = variables.get(variable);
    assert(other === undefined, `${dotted(path)} and ${other} share the variable ${variable}`);
    variables.set(variable, dotted(path));
    keys.push({ path, variable, node, descriptions });
  };
  walk([section], schemaNodeOf(schema), []);
  return keys;
}

/** The node at a path below a section's node; null where the path leaves the schema. */
export function nodeAt(root: SchemaNode, path: Path): SchemaNode | null {
  let node: SchemaNode | null = root;
  for (const part of path) node = node === null ? null : childOf(node, part);
  return node;
}

function childOf(node: SchemaNode, part: string | number): SchemaNode | null {
  for (const option of alternatives(node)) {
    const own = option.properties !== undefined && Object.hasOwn(option.properties, part) ? option.properties[part] : undefined;
    const free = typeof option.additionalProperties === 'object' ? option.additionalProperties : undefined;
    const child = own ?? (typeof part === 'number' ? option.items : undefined) ?? free;
    if (child !== undefined) return child;
  }
  return null;
}

/** True where the key, or one above it, is secret. */
function isSecret(root: SchemaNode, path: Path): boolean {
  return path.some((_, i) => nodeAt(root, path.slice(0, i + 1))?.secret === true);
}

/** True where something at or below the node is secret. */
function holdsSecret(node: SchemaNode): boolean {
  if (node.secret === true) return true;
  const free = typeof node.additionalProperties === 'object' ? [node.additionalProperties] : [];
  const below = [...Object.values(node.properties ?? {}), ...free, ...(node.items === undefined ? [] : [node.items])];
  return [...below, ...(node.anyOf ?? node.oneOf ?? [])].some(holdsSecret);
}

/**
 * A value as it may be shown: secrets as `***`, passwords inside URLs too, and whatever stands where the schema has no
 * place for it, as it may be a secret that was written in the wrong form.
 */
export function masked(root: SchemaNode, path: Path, value: unknown): unknown {
  if (value === null || value === undefined) return value;
  const node = nodeAt(root, path);
  if (node === null || isSecret(root, path)) return '***';
  if (Array.isArray(value)) return value.map((item, i) => masked(root, [...path, i], item));
  if (typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, masked(root, [...path, name], item)]));
  }
  if (holdsSecret(node)) return '***'; // a scalar in place of a map or list
  return typeof value === 'string' ? value.replace(/:\/\/[^/?#]*@/, '://***@') : value;
}
