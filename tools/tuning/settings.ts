/** In which settings two configurations differ. Secrets are masked. */
import { dotted, masked, type ConfigKey } from '#lib/kernel/config-schema.ts';
import { canonicalJson } from '#lib/kernel/config-hash.ts';
import { farhandConfig } from '../config/schema.ts';
import type { EmbeddedConfig } from '../embedded/pipeline.ts';

export interface SettingDifference {
  readonly key: string;
  readonly path: readonly string[];
  readonly a: unknown;
  readonly b: unknown;
}

function valueAt(config: EmbeddedConfig, path: readonly string[]): unknown {
  let at: unknown = config;
  for (const part of path) at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[part] : undefined;
  return at;
}

export function settingDifferences(a: EmbeddedConfig, b: EmbeddedConfig): SettingDifference[] {
  const keys = farhandConfig.keys.filter(({ path }) => path[0]! in a);
  return keys.flatMap((key: ConfigKey) => {
    const { path } = key;
    const [before, after] = [valueAt(a, path), valueAt(b, path)];
    if (canonicalJson(before) === canonicalJson(after)) return [];
    const show = (value: unknown) => masked(farhandConfig.nodes[path[0]!]!, path.slice(1), value);
    return [{ key: dotted(path), path, a: show(before), b: show(after) }];
  });
}

/** A copy of `config` with the value of one setting taken from another one. */
export function withSetting(config: EmbeddedConfig, { path }: SettingDifference, from: EmbeddedConfig): EmbeddedConfig {
  const copy = structuredClone(config) as unknown as Record<string, unknown>;
  let at = copy;
  for (const part of path.slice(0, -1)) at = at[part] as Record<string, unknown>;
  at[path.at(-1)!] = valueAt(from, path);
  return copy as unknown as EmbeddedConfig;
}

/** Two configurations with the same of it can share one enriched stream. */
export function enrichmentOf({ privacy, ingest, enrich, detect }: EmbeddedConfig): string {
  // Feedback finds its session by the names of findings, which hold the name of the rules.
  return canonicalJson({ privacy, ingest, enrich, rulesName: detect.rulesName });
}
