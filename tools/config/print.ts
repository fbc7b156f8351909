/** The effective configuration as YAML that can be loaded again (but for its secrets), each value with its source. */
import { Document, isMap, isScalar, type Pair, type YAMLMap } from 'yaml';
import { masked } from '#lib/kernel/config-schema.ts';
import type { ConfigDefinition, LoadedConfig, SectionSchemas } from '#lib/kernel/config.ts';

/** Widest line before lists and maps are folded, characters. */
const LINE_CHARACTERS = 120;

export function effectiveText<S extends SectionSchemas>(definition: ConfigDefinition<S>, loaded: LoadedConfig<S>): string {
  const shown = Object.fromEntries(
    Object.entries(loaded.config).map(([section, value]) => [section, masked(definition.nodes[section] ?? {}, [], value)]),
  );
  const document = new Document(shown);
  const keys = new Set(definition.keys.map((key) => key.path.join('\n')));
  const annotate = (map: YAMLMap, path: readonly string[]): void => {
    for (const pair of map.items as Pair[]) {
      const here = [...path, isScalar(pair.key) ? String(pair.key.value) : String(pair.key)];
      if (keys.has(here.join('\n'))) comment(pair, loaded.sources.of(here), loaded.sources.at(here) !== null);
      else if (isMap(pair.value)) annotate(pair.value, here);
    }
  };
  if (isMap(document.contents)) annotate(document.contents, []);
  return document.toString({ lineWidth: LINE_CHARACTERS });
}

/** Behind a scalar; above the key of a list or map, which take more than one line. */
function comment(pair: Pair, place: string | null, isOwn: boolean): void {
  const text = ` ${isOwn ? place : 'default'}`;
  if (isScalar(pair.value)) pair.value.comment = text;
  else if (isScalar(pair.key)) pair.key.commentBefore = text;
}
