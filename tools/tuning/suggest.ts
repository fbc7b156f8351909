/** The configuration file that a sweep suggests: the present file with the swept keys changed, for people to read and ship. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Document, parseDocument } from 'yaml';
import { canonicalJson } from '#lib/kernel/config-hash.ts';
import { coerce } from '#lib/kernel/config-source.ts';
import type { SweptKey } from './keys.ts';

const VERSION_LENGTH_MAX = 64;

export interface Suggestion {
  /** The present configuration's file; null: there is none. */
  readonly file: string | null;
  readonly keys: readonly SweptKey[];
  /** Chosen value of each key. */
  readonly values: readonly string[];
  /** Version of the rules at present. */
  readonly rulesVersion: string;
  /** Lines above the configuration, without `#`. */
  readonly remarks: readonly string[];
}

/** The present version and a short hash of the changes: findings must tell which configuration made them. */
export function suggestedVersion({ rulesVersion, keys, values }: Pick<Suggestion, 'rulesVersion' | 'keys' | 'values'>): string {
  const hash = createHash('sha256').update(canonicalJson(keys.map(({ name }, i) => [name, values[i]]))).digest('hex').slice(0, 8);
  const base = rulesVersion.replace(/\+[0-9a-f]{8}$/, '');
  return `${base.slice(0, VERSION_LENGTH_MAX - 9)}+${hash}`;
}

/** YAML. Comments and order of the present file stay. */
export function suggestedText(suggestion: Suggestion): string {
  const { file, keys, values, remarks } = suggestion;
  const document = file === null ? new Document({}) : parseDocument(readFileSync(file, 'utf8'));
  if (document.contents === null) document.contents = document.createNode({});
  const set = (path: readonly string[], value: unknown) => {
    // A section that is named in the file but left empty is null, and takes no keys.
    for (let length = 1; length < path.length; length++) if (document.getIn(path.slice(0, length)) === null) document.deleteIn(path.slice(0, length));
    document.setIn(path, value);
  };
  keys.forEach(({ key }, i) => set(key.path, coerce(values[i]!, key.node)));
  set(['detect', 'rulesVersion'], suggestedVersion(suggestion));
  const before = document.commentBefore;
  document.commentBefore = [...remarks.map((line) => ` ${line}`), ...(before === null || before === undefined ? [] : ['', before])].join('\n');
  return document.toString({ lineWidth: 120 });
}
