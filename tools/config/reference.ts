/** The reference page of the configuration, made of the schemas: docs/configuration.md is this text. */
import { allowedText, typeText } from '#lib/kernel/config-allowed.ts';
import { alternatives, schemaNodeOf, variableOf, type ConfigKey, type SchemaNode } from '#lib/kernel/config-schema.ts';
import { farhandConfig, SECTION_TEXTS } from './schema.ts';

const INTRODUCTION = `# Configuration

<!-- Made by \`farhand config --reference\`; do not edit. -->

Settings come from a YAML file (\`--config FILE\`, or the variable \`FARHAND_CONFIG\`) and from the environment. Where a key
is set more than once, the later of these wins:

1. its default,
2. the file,
3. a common alias: \`KAFKA_BROKERS\` for \`kafka.brokers\`, \`REDIS_URL\` for \`redis.url\`,
4. its own variable: \`FARHAND_\` and the key in upper snake case, as the tables say.

A variable that is set to nothing counts as not set. In variables, lists are \`a,b,c\` or YAML (\`[a, b]\`), maps are YAML or
JSON, and \`null\` is null where the key allows it. Keys and variables that nobody knows, duplicate keys, and values out of
their range are refused with exit status 2; the message names the key, the value, what is allowed, and the line or
variable it came from. One file may serve all services: each reads the shared sections and its own.

Units stand last in the names: \`Ms\` milliseconds, \`Km\` kilometres, \`Bytes\` bytes. Secrets are better kept in files that
the configuration names (\`…File\`). \`farhand config\` prints what is in force, and where each value came from.
`;

/** A table cell: no line breaks, no bars, and `<` only inside code. */
const cell = (text: string): string =>
  text
    .replaceAll('\n', ' ')
    .replaceAll('|', '\\|')
    .replace(/`[^`]*`|</g, (part) => (part === '<' ? '&lt;' : part));
const code = (text: string): string => `\`${text.replaceAll('`', "'")}\``;

function defaultText(path: readonly string[], node: SchemaNode, defaults: unknown): string {
  let value = defaults;
  for (const part of path.slice(1)) value = (value as Record<string, unknown> | undefined)?.[part];
  value ??= node.default;
  if (value === undefined) return 'required';
  return node.secret === true && value !== null ? '***' : code(JSON.stringify(value));
}

function row(name: string, node: SchemaNode, fallback: string, variable: string): string {
  const cells = [code(name), typeText(node), fallback, allowedText(node), variable, node.description ?? ''];
  return `| ${cells.map(cell).join(' | ')} |`;
}

/** The parts of a list's entries or of a map's values, which have no variable of their own. */
function partRows(name: string, node: SchemaNode): string[] {
  return alternatives(node).flatMap((option) => {
    const free = typeof option.additionalProperties === 'object' ? option.additionalProperties : undefined;
    const inner = option.items ?? free;
    if (inner === undefined) return [];
    const below = option.items !== undefined ? `${name}[]` : `${name}.<name>`;
    const parts = alternatives(inner).flatMap((part) => Object.entries(part.properties ?? {}));
    if (parts.length === 0) return partRows(below, inner);
    return parts.flatMap(([part, child]) => [
      row(`${below}.${part}`, child, child.default === undefined ? '' : code(JSON.stringify(child.default)), ''),
      ...partRows(`${below}.${part}`, child),
    ]);
  });
}

/** Keys of one group: those with the same path but for the last part. */
function table(keys: readonly ConfigKey[], defaults: unknown): string {
  const rows = keys.flatMap(({ path, node, variable }) => {
    const name = path.slice(1).join('.');
    return [row(name, node, defaultText(path, node, defaults), code(variable)), ...partRows(name, node)];
  });
  return ['| key | type | default | allowed | variable | what it is |', '| --- | --- | --- | --- | --- | --- |', ...rows].join('\n');
}

function sectionText(section: keyof typeof SECTION_TEXTS): string {
  const schema = farhandConfig.sections[section];
  const parsed = schema.safeParse({});
  const keys = farhandConfig.keys.filter((key) => key.path[0] === section);
  const groups = Map.groupBy(keys, (key) => key.path.slice(0, -1).join('.'));
  // A section's own keys come before its groups.
  const ordered = [...groups].sort(([a], [b]) => Number(b === section) - Number(a === section));
  const parts = ordered.map(([group, members]) => {
    const title = group === section ? '' : `### ${group}\n\n${groupText(schemaNodeOf(schema), group)}`;
    return `${title}${table(members, parsed.success ? parsed.data : undefined)}\n`;
  });
  return `## ${section}\n\n${SECTION_TEXTS[section]} Variables begin with ${code(`${variableOf([section])}_`)}.\n\n${parts.join('\n')}`;
}

function groupText(root: SchemaNode, group: string): string {
  let node: SchemaNode | undefined = root;
  for (const part of group.split('.').slice(1)) node = node?.properties?.[part];
  return node?.description === undefined ? '' : `${node.description}\n\n`;
}

/** The whole page, with a line break at its end. */
export function referencePage(): string {
  const sections = Object.keys(SECTION_TEXTS) as (keyof typeof SECTION_TEXTS)[];
  return `${INTRODUCTION}\n${sections.map(sectionText).join('\n')}`;
}
