/**
 * What `--sweep key=…` may name and which values it may give, taken from the schema: every key of the detect section but
 * the name and version of the rules. A wrong key or value is FARHAND_USAGE with the key, the value and what is allowed.
 */
import { issueText, nearest } from '#lib/kernel/config-problems.ts';
import { dotted, typesOf, type ConfigKey } from '#lib/kernel/config-schema.ts';
import { coerce, Sources, type Override } from '#lib/kernel/config-source.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { farhandConfig } from '../config/schema.ts';

/** Values of one key. */
const VALUES_MAX = 1000;
/** They name a configuration and change nothing that it finds. */
const NAMES = new Set(['detect.rulesName', 'detect.rulesVersion']);

export interface SweptKey {
  /** With dots: `detect.finding.quietMs`. */
  readonly name: string;
  readonly key: ConfigKey;
  /** As they would stand in a variable. */
  readonly values: readonly string[];
}

export const SWEEPABLE: ReadonlyMap<string, ConfigKey> = new Map(
  farhandConfig.keys.filter((key) => key.path[0] === 'detect' && !NAMES.has(dotted(key.path))).map((key) => [dotted(key.path), key]),
);

const refuse = (problem: string): FarhandError => new FarhandError('FARHAND_USAGE', problem);

/** Commas part values, but not inside brackets: `detect.signalsOff=[],[hours,novelty]` are two. */
function partsOf(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === '[' || character === '{') depth++;
    else if (character === ']' || character === '}') depth--;
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts.map((part) => part.trim());
}

const RANGE = /^(-?[\d.]+(?:e[-+]?\d+)?)\.\.(-?[\d.]+(?:e[-+]?\d+)?)\/(\d+)$/i;

/** `1..3/5` → 1, 1.5, 2, 2.5, 3; whole numbers where the key takes no others. */
function rangeOf(name: string, part: string, key: ConfigKey): string[] {
  const match = RANGE.exec(part);
  if (match === null) return [part];
  const [low, high, count] = match.slice(1).map(Number) as [number, number, number];
  const types = typesOf(key.node);
  if (!types.has('number') && !types.has('integer')) throw refuse(`--sweep ${name}=${part}: a range is allowed for numbers only`);
  if (!(low < high) || count < 2 || count > VALUES_MAX) throw refuse(`--sweep ${name}=${part}: allowed is LOW..HIGH/COUNT with LOW below HIGH and COUNT from 2 to ${VALUES_MAX}`);
  return Array.from({ length: count }, (_, i) => {
    const value = low + ((high - low) * i) / (count - 1);
    return String(types.has('number') ? Number(value.toPrecision(6)) : Math.round(value));
  });
}

function unknownKey(name: string): FarhandError {
  if (NAMES.has(name)) return refuse(`--sweep ${name}: it names the configuration and changes nothing that is found`);
  const near = nearest(name, [...SWEEPABLE.keys()]) ?? nearest(`detect.${name}`, [...SWEEPABLE.keys()]);
  const last = name.split('.').at(-1)!.toLowerCase();
  const similar = [...SWEEPABLE.keys()].filter((known) => known.split('.').at(-1)!.toLowerCase() === last);
  const hint = near ?? (similar.length > 0 ? similar.slice(0, 5).join(' or ') : null);
  return refuse(`--sweep ${name}: there is no such key; allowed is a key of the detect section${hint === null ? ' (farhand config --reference lists them)' : `: did you mean ${hint}?`}`);
}

/** The value on its own against its key's schema; checks across keys are for each combination. */
function checkValue(key: ConfigKey, text: string): void {
  const [section, ...inner] = key.path as [string, ...string[]];
  const root: Record<string, unknown> = {};
  let at = root;
  for (const part of inner.slice(0, -1)) at = at[part] = {};
  at[inner.at(-1)!] = coerce(text, key.node);
  const schema = farhandConfig.sections.detect;
  const result = schema.safeParse(root);
  if (result.success) return;
  const sources = new Sources();
  sources.set(key.path, '--sweep');
  const isOwn = (path: readonly PropertyKey[]) => inner.every((part, i) => path[i] === part);
  const own = result.error.issues.find((issue) => isOwn(issue.path));
  if (own !== undefined) throw refuse(issueText(section, own, root, farhandConfig.nodes['detect']!, sources).join('; '));
}

/** The arguments of all `--sweep` options: `key=a,b,c` or `key=low..high/count`. A key may be named once. */
export function parseSweep(texts: readonly string[]): SweptKey[] {
  const swept = texts.map((text): SweptKey => {
    const equals = text.indexOf('=');
    if (equals < 1) throw refuse(`--sweep ${text}: allowed is KEY=VALUE,VALUE,… or KEY=LOW..HIGH/COUNT`);
    const name = text.slice(0, equals).trim();
    const key = SWEEPABLE.get(name);
    if (key === undefined) throw unknownKey(name);
    const values = [...new Set(partsOf(text.slice(equals + 1)).flatMap((part) => rangeOf(name, part, key)))];
    if (values.length > VALUES_MAX) throw refuse(`--sweep ${name}: ${values.length} values, at most ${VALUES_MAX} are allowed`);
    for (const value of values) {
      if (value === '') throw refuse(`--sweep ${text}: a value is missing`);
      checkValue(key, value);
    }
    return { name, key, values };
  });
  const twice = swept.find(({ name }, i) => swept.findIndex((other) => other.name === name) !== i);
  if (twice !== undefined) throw refuse(`--sweep ${twice.name} is given twice`);
  return swept;
}

export function overrideOf({ key }: Pick<SweptKey, 'key'>, value: string): Override {
  return { key, text: value, place: '--sweep' };
}
