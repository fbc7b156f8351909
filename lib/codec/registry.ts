/**
 * A thin client of the Confluent schema registry's REST API, as a SchemaSource. It tells two things apart: a schema id
 * that does not exist (the record is refused, UNKNOWN_SCHEMA) and a registry that does not answer properly
 * (FARHAND_REGISTRY_UNAVAILABLE: the batch waits). Only the registry's own error 40403 counts as the first.
 *
 * Subjects: telemetry is registered as `<topic>-value` (what producers of other teams use by default), everything else
 * under its full record name (several record types share a topic there).
 */
import { type Clock, systemClock } from '#lib/kernel/clock.ts';
import { FarhandError, assert } from '#lib/kernel/errors.ts';
import { parseSchema } from './avro-schema.ts';
import type { RecordName } from './decoder.ts';
import { SCHEMA_NAMESPACE, schemaOf } from './schemas.ts';
import type { NoSchema, SchemaSource, WriterSchema } from './schema-source.ts';

export interface RegistryOptions {
  /** For example http://registry:8081; a path is kept. Several are tried in turn. */
  readonly urls: readonly string[];
  readonly username?: string;
  /** A function is asked again for every request. */
  readonly password?: string | (() => string);
  /** Topic of a telemetry record, for its subject; records without one are registered under their full name. */
  readonly topics?: Partial<Record<RecordName, string>>;
  /** Whether schemas may be registered; else they must be there. */
  readonly register?: boolean;
  /** One request, ms. */
  readonly timeoutMs?: number;
  /** Tries of one request before FARHAND_REGISTRY_UNAVAILABLE. */
  readonly attemptsMax?: number;
  /** Wait before the second try, ms; doubles with every further one. */
  readonly retryMs?: number;
  /** Ids remembered as not existing. */
  readonly unknownIdsMax?: number;
  /** How long an id is remembered as not existing, ms: somebody may register it later. */
  readonly unknownIdTtlMs?: number;
  readonly clock?: Clock;
}

const DEFAULTS = { register: true, timeoutMs: 5_000, attemptsMax: 3, retryMs: 100, unknownIdsMax: 1_024, unknownIdTtlMs: 30_000 } as const;
/** Schemas fetched at the same time. */
const CONCURRENT_REQUESTS_MAX = 8;
/** Text of an answer, characters; a schema is some 10 KiB. */
const ANSWER_CHARACTERS_MAX = 1_048_576;
/** Schemas kept. A registry with more ids for our topics than this is not one that we wrote for. */
const SCHEMAS_MAX = 4_096;
const NO_SUCH_SCHEMA = 40403;

/** The subject that a record's schema is registered under. */
export function subjectOf(name: RecordName, topics: Partial<Record<RecordName, string>> = {}): string {
  const topic = topics[name];
  return topic === undefined ? `${SCHEMA_NAMESPACE}.${name}` : `${topic}-value`;
}

export function registrySchemaSource(options: RegistryOptions): SchemaSource {
  return new RegistrySource(options);
}

type Answer = { readonly status: number; readonly body: { readonly [key: string]: unknown } };

class RegistrySource implements SchemaSource {
  readonly #options: RegistryOptions & typeof DEFAULTS;
  readonly #clock: Clock;
  readonly #headers: Record<string, string>;
  readonly #known = new Map<number, WriterSchema | NoSchema>();
  /** Id → when it was looked for, oldest first. */
  readonly #unknown = new Map<number, number>();
  readonly #fetching = new Map<number, Promise<void>>();
  readonly #writers = new Map<RecordName, number>();
  #url = 0;

  constructor(options: RegistryOptions) {
    assert(options.urls.length > 0, 'a schema registry needs a URL');
    this.#options = { ...DEFAULTS, ...options } as RegistryOptions & typeof DEFAULTS;
    this.#clock = options.clock ?? systemClock;
    this.#headers = { accept: 'application/vnd.schemaregistry.v1+json', 'content-type': 'application/vnd.schemaregistry.v1+json' };
    const { username, password } = options;
    if (username !== undefined) {
      const secret = (): string => (typeof password === 'function' ? password() : (password ?? ''));
      Object.defineProperty(this.#headers, 'authorization', { enumerable: true, get: () => `Basic ${Buffer.from(`${username}:${secret()}`).toString('base64')}` });
    }
  }

  lookup(id: number): WriterSchema | NoSchema | undefined {
    return this.#known.get(id) ?? (this.#unknown.has(id) ? { absent: `schema id ${id} is not in the registry` } : undefined);
  }

  prepare(ids: Iterable<number>): undefined | Promise<void> {
    const wanted: number[] = [];
    const now = this.#clock.monotonicMs();
    let all = 0;
    for (const id of ids) {
      all++;
      if (this.#known.has(id)) continue;
      const since = this.#unknown.get(id);
      this.#unknown.delete(id);
      if (since !== undefined && now - since < this.#options.unknownIdTtlMs) this.#unknown.set(id, since); // youngest again: the batch needs it
      else wanted.push(id);
    }
    if (wanted.length === 0) return undefined;
    return this.#fetchAll(wanted).then(() => this.#forgetOldest(all));
  }

  writerId(name: RecordName): number {
    const id = this.#writers.get(name);
    assert(id !== undefined, `the schema of ${name} has not been prepared for writing`);
    return id;
  }

  prepareWriters(names: readonly RecordName[]): undefined | Promise<void> {
    const missing = names.filter((name) => !this.#writers.has(name));
    return missing.length === 0 ? undefined : this.#registerAll(missing);
  }

  async #registerAll(names: readonly RecordName[]): Promise<void> {
    for (const name of names) {
      const subject = subjectOf(name, this.#options.topics);
      const path = `/subjects/${encodeURIComponent(subject)}${this.#options.register ? '/versions' : ''}`;
      const { text, node } = schemaOf(name);
      const { status, body } = await this.#request('POST', path, JSON.stringify({ schema: text, schemaType: 'AVRO' }));
      const id = body['id'];
      if (status === 409) throw new FarhandError('FARHAND_SCHEMA_INCOMPATIBLE', `the registry refuses ${name} for subject ${subject}: ${messageOf(body)}`);
      if (status !== 200 || !isId(id)) throw new FarhandError('FARHAND_SCHEMA_UNKNOWN', `subject ${subject} gives no id for ${name}: status ${status}, ${messageOf(body)}`);
      this.#writers.set(name, id);
      if (!this.#known.has(id)) this.#known.set(id, { id, node });
    }
  }

  /** The first failure stops the rest: the whole batch will be tried again. */
  async #fetchAll(ids: readonly number[]): Promise<void> {
    let next = 0;
    const worker = async () => {
      while (next < ids.length) await this.#fetchOnce(ids[next++] as number);
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENT_REQUESTS_MAX, ids.length) }, worker));
  }

  /** Tasks that meet a new schema at the same time share one request. */
  #fetchOnce(id: number): Promise<void> {
    let fetching = this.#fetching.get(id);
    if (fetching === undefined) {
      fetching = this.#fetch(id).finally(() => this.#fetching.delete(id));
      this.#fetching.set(id, fetching);
    }
    return fetching;
  }

  async #fetch(id: number): Promise<void> {
    const { status, body } = await this.#request('GET', `/schemas/ids/${id}`);
    if (status === 404 && body['error_code'] === NO_SUCH_SCHEMA) {
      this.#unknown.set(id, this.#clock.monotonicMs());
      return;
    }
    if (status !== 200 || typeof body['schema'] !== 'string') {
      throw new FarhandError('FARHAND_REGISTRY_UNAVAILABLE', `schema id ${id}: the registry answered status ${status}, ${messageOf(body)}`);
    }
    if (this.#known.size >= SCHEMAS_MAX) this.#known.delete(this.#known.keys().next().value as number);
    this.#known.set(id, usable(id, body));
  }

  /** Ids of the batch that was just prepared stay, however many they are. */
  #forgetOldest(batch: number): void {
    const max = Math.max(this.#options.unknownIdsMax, batch);
    for (const id of this.#unknown.keys()) {
      if (this.#unknown.size <= max) break;
      this.#unknown.delete(id);
    }
  }

  /** Answers of status 5xx, 401, 403, 408 and 429, time-outs and broken connections are tried again, at the next URL. */
  async #request(method: 'GET' | 'POST', path: string, payload?: string): Promise<Answer> {
    let cause: unknown;
    for (let attempt = 0; attempt < this.#options.attemptsMax; attempt++) {
      if (attempt > 0) await this.#clock.sleep(this.#options.retryMs * 2 ** (attempt - 1));
      const url = this.#options.urls[this.#url % this.#options.urls.length] as string;
      try {
        const signal = AbortSignal.timeout(this.#options.timeoutMs);
        const response = await fetch(url.replace(/\/+$/, '') + path, { method, headers: this.#headers, signal, redirect: 'error', ...(payload === undefined ? {} : { body: payload }) });
        const answer = { status: response.status, body: await bodyOf(response) };
        if (answer.status < 500 && ![401, 403, 408, 429].includes(answer.status)) return answer;
        cause = new Error(`status ${answer.status}, ${messageOf(answer.body)}`);
      } catch (error) {
        cause = error;
      }
      this.#url = (this.#url + 1) % this.#options.urls.length;
    }
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new FarhandError('FARHAND_REGISTRY_UNAVAILABLE', `${method} ${path}: ${message}`, { cause });
  }
}

/** The answer as an object; anything else becomes an empty one. Reads no more than ANSWER_CHARACTERS_MAX. */
async function bodyOf(response: Response): Promise<Answer['body']> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > ANSWER_CHARACTERS_MAX) throw new Error(`an answer of more than ${ANSWER_CHARACTERS_MAX} characters`);
  }
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? (body as Answer['body']) : {};
  } catch {
    return {};
  }
}

function usable(id: number, body: Answer['body']): WriterSchema | NoSchema {
  const kind = body['schemaType'] ?? 'AVRO';
  if (kind !== 'AVRO') return { absent: `schema id ${id} is not Avro but ${JSON.stringify(kind).slice(0, 32)}` };
  if (Array.isArray(body['references']) && body['references'].length > 0) return { absent: `schema id ${id} has references to other subjects, which are not followed` };
  try {
    return { id, node: parseSchema(JSON.parse(body['schema'] as string)) };
  } catch (error) {
    return { absent: `schema id ${id}: ${error instanceof Error ? error.message.slice(0, 256) : 'unreadable'}` };
  }
}

function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;
}

function messageOf(body: Answer['body']): string {
  return typeof body['message'] === 'string' ? body['message'].slice(0, 256) : 'without a message';
}
