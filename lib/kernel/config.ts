/**
 * Configuration: named sections, each with a zod schema, out of a YAML file and the environment. Precedence, lowest
 * first: the schema's default, the file, a common alias (KAFKA_BROKERS, REDIS_URL), the key's FARHAND_… variable, what a
 * command sets by key (a sweep). Empty variables count as not set. The result is frozen; anything wrong is
 * FARHAND_CONFIG_INVALID (exit status 2), and its message names the key, the value (secrets masked), what is allowed, and
 * where the value came from.
 */
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { checkNames, issueText, problemsText } from './config-problems.ts';
import { keysOf, schemaNodeOf, type ConfigKey, type SchemaNode } from './config-schema.ts';
import { configError, readEnvironment, readOverrides, readYaml, Sources, type Override } from './config-source.ts';

export type SectionSchemas = Readonly<Record<string, z.ZodType>>;

/** The frozen values by section. */
export type Config<S extends SectionSchemas> = { readonly [K in keyof S]: Readonly<z.output<S[K]>> };

interface LoadOptions {
  /** Path of a YAML file; null or absent: the variable FARHAND_CONFIG, else no file. */
  readonly file?: string | null;
  readonly environment?: NodeJS.ProcessEnv;
  /** Keys of this definition that a command sets itself. */
  readonly overrides?: readonly Override[];
}

export interface LoadedConfig<S extends SectionSchemas> {
  readonly config: Config<S>;
  readonly sources: Sources;
  /** The file that was read, or null. */
  readonly file: string | null;
}

export interface ConfigDefinition<S extends SectionSchemas> {
  readonly sections: S;
  /** The keys of all sections, in the order of the schemas. */
  readonly keys: readonly ConfigKey[];
  /** The schema of each section as JSON Schema, for masking and for saying what is allowed. */
  readonly nodes: Readonly<Record<string, SchemaNode>>;
  load(options?: LoadOptions): Config<S>;
  /** The same, with the place that each value came from. */
  loadWithSources(options?: LoadOptions): LoadedConfig<S>;
}

/** Sections that one file may hold for other services; a worker neither checks nor reads those of others. */
const SECTION_NAMES: readonly string[] = ['kafka', 'topics', 'registry', 'redis', 'state', 'observe', 'privacy', 'siem', 'ingest', 'enrich', 'detect', 'risk'];

/** Composes sections into a configuration. Sections of SECTION_NAMES that are not given are accepted and ignored. */
export function defineConfig<const S extends SectionSchemas>(sections: S): ConfigDefinition<S> {
  const keys = Object.entries(sections).flatMap(([name, schema]) => keysOf(name, schema));
  const nodes = Object.fromEntries(Object.entries(sections).map(([name, schema]) => [name, schemaNodeOf(schema)]));
  const loadWithSources = (options: LoadOptions = {}): LoadedConfig<S> => {
    const environment = options.environment ?? process.env;
    const file = options.file ?? (environment['FARHAND_CONFIG'] || null);
    const sources = new Sources();
    const values = file === null ? {} : readYaml(readText(file), file, sources);
    const known = [...new Set([...Object.keys(sections), ...SECTION_NAMES])];
    checkNames(values, environment, { known, given: Object.keys(sections), keys }, sources);
    readEnvironment(environment, keys, values, sources);
    readOverrides(options.overrides ?? [], values, sources);
    return { config: parseSections(sections, nodes, values, sources), sources, file };
  };
  return { sections, keys, nodes, loadWithSources, load: (options) => loadWithSources(options).config };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw configError(`the configuration file ${file} cannot be read: ${(error as Error).message}`, error);
  }
}

function parseSections<S extends SectionSchemas>(
  sections: S,
  nodes: Readonly<Record<string, SchemaNode>>,
  values: Record<string, unknown>,
  sources: Sources,
): Config<S> {
  const problems: string[] = [];
  const config: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(sections)) {
    // A section that is named in the file but left empty reads as null.
    const result = schema.safeParse(values[name] ?? {});
    if (result.success) config[name] = deepFreeze(result.data);
    else problems.push(...result.error.issues.flatMap((issue) => issueText(name, issue, values[name], nodes[name] ?? {}, sources)));
  }
  if (problems.length > 0) throw configError(problemsText(problems));
  return Object.freeze(config) as Config<S>;
}

/** Freezes plain objects and arrays all the way down. */
function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const item of Object.values(value)) deepFreeze(item);
  }
  return value;
}
