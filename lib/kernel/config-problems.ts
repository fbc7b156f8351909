/** Turns what a schema, a file or the environment complains about into messages that an operator can act on. */
import type { z } from 'zod';
import { allowedText } from './config-allowed.ts';
import { dotted, masked, nodeAt, variableOf, type ConfigKey, type Path, type SchemaNode } from './config-schema.ts';
import { ALIASES, configError, type Sources } from './config-source.ts';

/** Most problems that one message names. */
const PROBLEMS_MAX = 5;

/** Longest value that is shown, characters. */
const VALUE_CHARACTERS_MAX = 120;

/** How zod begins messages of its own; other messages were written for the key and say more. */
const ZOD_MESSAGE = /^(Invalid|Too (big|small)|Unrecognized|Expected|Required)/;

export function problemsText(problems: readonly string[]): string {
  const shown = problems.slice(0, PROBLEMS_MAX).join('; ');
  return problems.length > PROBLEMS_MAX ? `${shown}; and ${problems.length - PROBLEMS_MAX} more` : shown;
}

/** One issue of a section → one message per thing that is wrong. */
export function issueText(section: string, issue: z.core.$ZodIssue, value: unknown, root: SchemaNode, sources: Sources): string[] {
  const inner = issue.path as Path;
  const path = [section, ...inner];
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(nodeAt(root, inner)?.properties ?? {});
    return issue.keys.map((key) => unknownText([...path, key], known, sources.at([...path, key])));
  }
  const node = nodeAt(root, inner);
  const allowed = ZOD_MESSAGE.test(issue.message) ? `allowed is ${node === null ? issue.message : allowedText(node)}` : issue.message;
  const actual = valueAt(value, inner);
  // What stands inside a list has no variable of its own.
  if (actual === undefined && issue.code !== 'custom') return [`${dotted(path)} is not set${path.some((part) => typeof part === 'number') ? '' : ` (variable ${variableOf(path)})`}: ${allowed}`];
  const place = sources.of(path);
  const from = place === null ? '' : ` (${place})`;
  // A cross-field check is about several keys: the values of a whole section would only hide its message.
  if (actual === undefined || (issue.code === 'custom' && typeof actual === 'object')) return [`${dotted(path)}${from}: ${allowed}`];
  return [`${dotted(path)} is ${shown(masked(root, inner, actual))}${from}: ${allowed}`];
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > VALUE_CHARACTERS_MAX ? `${text.slice(0, VALUE_CHARACTERS_MAX)}…` : text;
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value ?? {};
  for (const part of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<string | number, unknown>)[part] as object;
  }
  return at;
}

/** Never shows the value: it may be a secret under a misspelled name. */
function unknownText(path: Path, known: readonly string[], place: string | null): string {
  const from = place === null ? '' : ` (${place})`;
  const near = nearest(String(path.at(-1)), known);
  const hint = near !== null ? `did you mean ${near}?` : `known are ${known.join(', ')}`;
  return `${dotted(path)}${from} is not known: ${hint}`;
}

interface Names {
  /** All sections that may stand in a file. */
  readonly known: readonly string[];
  /** Those whose keys are known here. */
  readonly given: readonly string[];
  readonly keys: readonly ConfigKey[];
}

/** What container platforms set for a service named `farhand-…`: FARHAND_…_SERVICE_HOST, …_PORT=tcp://…, …_PORT_80_TCP. */
function isPlatformVariable(name: string, value: string | undefined): boolean {
  if (/_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$|_PORT_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?$/.test(name)) return true;
  return name.endsWith('_PORT') && /^(tcp|udp):\/\//.test(value ?? '');
}

/** Refuses sections, and variables of known sections, that nobody knows: a misspelled name must not be ignored. */
export function checkNames(
  values: Record<string, unknown>,
  environment: NodeJS.ProcessEnv,
  names: Names,
  sources: Sources,
): void {
  const problems = Object.keys(values)
    .filter((section) => !names.known.includes(section))
    .map((section) => unknownText([section], names.known, sources.at([section])));
  const variables = new Set([...names.keys.map((key) => key.variable), ...Object.values(ALIASES)]);
  const sectionsOf = (list: readonly string[]): string[] => list.map((name) => name.toUpperCase());
  for (const name of Object.keys(environment).sort()) {
    if (!name.startsWith('FARHAND_') || variables.has(name) || isPlatformVariable(name, environment[name])) continue;
    const section = name.split('_')[1] ?? '';
    const misspelled = !sectionsOf(names.known).includes(section) && nearest(section, sectionsOf(names.known)) !== null;
    if (!misspelled && !sectionsOf(names.given).includes(section)) continue;
    const near = nearest(name, [...variables]);
    problems.push(`the variable ${name} is not known: ${near === null ? 'farhand config --reference lists all' : `did you mean ${near}?`}`);
  }
  if (problems.length > 0) throw configError(problemsText(problems));
}

/** The nearest of the candidates by edit distance, if it is near enough to be meant; null otherwise. */
export function nearest(name: string, candidates: readonly string[]): string | null {
  const distanceMax = Math.min(3, Math.floor(name.length / 3));
  let best: string | null = null;
  let least = distanceMax + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** Levenshtein distance, with a swap of neighbours as one step. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const above = rows[i - 1] as number[];
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((above[j] as number) + 1, (row[j - 1] as number) + 1, (above[j - 1] as number) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, (rows[i - 2]?.[j - 2] as number) + 1);
      row.push(cost);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? 0;
}
