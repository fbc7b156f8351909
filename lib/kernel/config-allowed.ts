/** Says in words what a key's schema allows, for error messages and the reference page. */
import { alternatives, type SchemaNode } from './config-schema.ts';

function range(node: SchemaNode, low: number | undefined, high: number | undefined): string {
  const least = node.exclusiveMinimum === undefined ? low : undefined;
  const most = node.exclusiveMaximum === undefined ? high : undefined;
  if (least !== undefined && most !== undefined) return ` from ${least} to ${most}`;
  const words = [
    least !== undefined ? `at least ${least}` : null,
    node.exclusiveMinimum !== undefined ? `above ${node.exclusiveMinimum}` : null,
    most !== undefined ? `at most ${most}` : null,
    node.exclusiveMaximum !== undefined ? `below ${node.exclusiveMaximum}` : null,
  ].filter((word) => word !== null);
  return words.length === 0 ? '' : ` ${words.join(' and ')}`;
}

/** zod writes the bounds of safe integers where none were asked for. */
const bounded = (value: number | undefined): number | undefined =>
  value === undefined || Math.abs(value) === Number.MAX_SAFE_INTEGER ? undefined : value;

function count(low: number | undefined, high: number | undefined, what: string): string {
  if (low !== undefined && high !== undefined) return low === high ? ` of ${low} ${what}` : ` of ${low} to ${high} ${what}`;
  if (low !== undefined) return ` of at least ${low} ${what}`;
  return high === undefined ? '' : ` of at most ${high} ${what}`;
}

function one(node: SchemaNode): string {
  if (node.allowed !== undefined) return node.allowed;
  if (node.enum !== undefined) return `one of ${node.enum.map(String).join(', ')}`;
  if (node.const !== undefined) return JSON.stringify(node.const);
  switch (node.type) {
    case 'integer':
      return `an integer${range(node, bounded(node.minimum), bounded(node.maximum))}`;
    case 'number':
      return `a number${range(node, node.minimum, node.maximum)}`;
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    case 'string': {
      const length = count(node.minLength, node.maxLength, 'characters');
      const shape = node.pattern !== undefined ? ` that matches \`${node.pattern}\`` : node.format !== undefined ? ` (${node.format})` : '';
      return `text${length}${shape}`;
    }
    case 'array':
      return `a list${count(node.minItems, node.maxItems, 'entries')}, each ${node.items === undefined ? 'of any kind' : allowedText(node.items)}`;
    case 'object':
      return objectText(node);
    default:
      return 'any value';
  }
}

function objectText(node: SchemaNode): string {
  if (node.properties !== undefined) return `a map with ${Object.keys(node.properties).join(', ')}`;
  return typeof node.additionalProperties === 'object' ? `a map from names to ${allowedText(node.additionalProperties)}` : 'a map';
}

export function allowedText(node: SchemaNode): string {
  const options = alternatives(node).flatMap((option) =>
    Array.isArray(option.type) ? (option.type as string[]).map((type) => ({ ...option, type })) : [option],
  );
  return options.map(one).join(' or ');
}

/** The kind of value in one or two words: `integer`, `list of text`, `text or null`. */
export function typeText(node: SchemaNode): string {
  const words = alternatives(node).flatMap((option) => {
    const types = option.type === undefined ? ['text'] : Array.isArray(option.type) ? (option.type as string[]) : [option.type as string];
    return types.map((type) => {
      if (type === 'array') return `list of ${option.items === undefined ? 'any' : typeText(option.items)}`;
      return type === 'string' ? 'text' : type === 'object' ? 'map' : type;
    });
  });
  return [...new Set(words)].join(' or ');
}
