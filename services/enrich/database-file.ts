/** One database file: when it changed, what is in it, and which version it is. */
import { createHash } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { DatabaseVersion } from '#schemas/records.ts';
import type { Source } from './address-book.ts';
import { parseFeed, type FeedEntries, type FeedKind } from './category/feeds.ts';
import { asnTableOf } from './mmdb/asn-layouts.ts';
import { openMmdb } from './mmdb/open-mmdb.ts';
import { placeReaderFor, type Place } from './mmdb/place-layouts.ts';
import type { AutonomousSystem } from './ranges/asn-systems.ts';
import { openAsnTable, readAsnColumns, type AsnColumns } from './ranges/asn-table.ts';

/** What a file is used for. */
export type DatabaseUse = { readonly use: 'place' } | { readonly use: 'asn' } | { readonly use: 'feed'; readonly kind: FeedKind };

type DatabaseContent =
  | { readonly use: 'place'; readonly source: Source<Place> }
  | { readonly use: 'asn'; readonly source: Source<AutonomousSystem> }
  | { readonly use: 'feed'; readonly name: string; readonly kind: FeedKind; readonly feed: FeedEntries };

export interface LoadedDatabase {
  readonly content: DatabaseContent;
  readonly version: DatabaseVersion;
}

/** Identifies a state of a file: a change shows in at least one part. */
export interface FileStamp {
  readonly modifiedMs: number;
  readonly bytes: number;
  readonly inode: number;
}

const HASH_CHARACTERS = 12;

export function sameStamp(a: FileStamp | null, b: FileStamp | null): boolean {
  return a === b || (a !== null && b !== null && a.modifiedMs === b.modifiedMs && a.bytes === b.bytes && a.inode === b.inode);
}

/** Null where there is no such file. */
export async function stampOf(file: string): Promise<FileStamp | null> {
  try {
    const { mtimeMs, size, ino } = await stat(file);
    return { modifiedMs: Math.trunc(mtimeMs), bytes: size, inode: ino };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** A file as threads share it: a table of text as it was read, any other as its bytes. */
export type SharedFile = { readonly bytes: SharedArrayBuffer } | { readonly table: AsnColumns; readonly version: DatabaseVersion };

/**
 * What a file takes much memory or time for, in memory that threads share; null for what each may as well read itself.
 * Throws FARHAND_DATABASE_CORRUPT, or what the file system throws.
 */
export async function shareFile(name: string, file: string, use: DatabaseUse, stamp: FileStamp): Promise<SharedFile | null> {
  if (file.endsWith('.mmdb')) return { bytes: await readIntoShared(file, stamp.bytes) };
  if (use.use !== 'asn') return null;
  const bytes = await readFile(file);
  const { rows, ranges, systems } = readAsnColumns(bytes, file);
  const table = { rows, ranges: { v4: inSharedMemory(ranges.v4), v6: inSharedMemory(ranges.v6) }, systems: inSharedMemory(systems) };
  return { table, version: await textVersion(name, file, bytes, stamp) };
}

function inSharedMemory<T extends { readonly [K in keyof T]: Uint8Array | Uint32Array }>(columns: T): T {
  const shared = Object.entries<Uint8Array | Uint32Array>(columns).map(([name, column]) => {
    const Column = column.constructor as new (buffer: SharedArrayBuffer) => Uint8Array | Uint32Array;
    const copy = new Column(new SharedArrayBuffer(column.byteLength));
    copy.set(column);
    return [name, copy] as const;
  });
  return Object.fromEntries(shared) as T;
}

/** The first `length` bytes of a file, in memory that threads share; shorter where the file has become so. */
async function readIntoShared(file: string, length: number): Promise<SharedArrayBuffer> {
  const bytes = new Uint8Array(new SharedArrayBuffer(length));
  const handle = await open(file);
  try {
    for (let done = 0; done < length; ) {
      const { bytesRead } = await handle.read(bytes, done, length - done, done);
      if (bytesRead === 0) return bytes.buffer.slice(0, done);
      done += bytesRead;
    }
  } finally {
    await handle.close();
  }
  return bytes.buffer;
}

/** Reads and checks one file, unless it is `shared`. Throws FARHAND_DATABASE_CORRUPT, or what the file system throws. */
export async function loadDatabase(name: string, file: string, use: DatabaseUse, stamp: FileStamp, bytesMax: number, shared?: SharedFile): Promise<LoadedDatabase> {
  if (shared !== undefined && 'table' in shared) return asnDatabase(name, shared.table, shared.version);
  if (stamp.bytes > bytesMax) throw new FarhandError('FARHAND_DATABASE_CORRUPT', `${file}: ${stamp.bytes} bytes, ${bytesMax} are allowed (enrich.databaseBytesMax)`);
  const bytes = shared === undefined ? await readFile(file) : Buffer.from(shared.bytes);
  if (use.use === 'feed') {
    const feed = parseFeed(bytes.toString('utf8'), file);
    return { content: { use: 'feed', name, kind: use.kind, feed }, version: await textVersion(name, file, bytes, stamp) };
  }
  if (!file.endsWith('.mmdb')) {
    if (use.use === 'place') throw new FarhandError('FARHAND_DATABASE_CORRUPT', `${file}: places are read from .mmdb files only`);
    return asnDatabase(name, readAsnColumns(bytes, file), await textVersion(name, file, bytes, stamp));
  }
  const mmdb = openMmdb(bytes, file);
  const version = { name, version: new Date(mmdb.builtAt).toISOString().replace('.000Z', 'Z'), builtAt: mmdb.builtAt };
  if (use.use === 'asn') return { content: { use: 'asn', source: { name, lookup: asnTableOf(mmdb, file).lookup } }, version };
  const reader = placeReaderFor(mmdb, file);
  const lookup: Source<Place>['lookup'] = (words) => {
    const record = mmdb.get(words);
    return record === null ? null : reader.read(record);
  };
  return { content: { use: 'place', source: { name, lookup } }, version };
}

function asnDatabase(name: string, table: AsnColumns, version: DatabaseVersion): LoadedDatabase {
  return { content: { use: 'asn', source: { name, lookup: openAsnTable(table).lookup } }, version };
}

/**
 * Text files carry no version of their own. One out of a package has the package's (ip-location-db packages end in
 * yyyymmddhh, which is also the build time); any other is named by its content and dated by its modification time.
 */
async function textVersion(name: string, file: string, bytes: Buffer, stamp: FileStamp): Promise<DatabaseVersion> {
  const version = await packageVersion(path.dirname(file));
  const date = version === null ? null : /(?:^|\.)(\d{4})(\d{2})(\d{2})(\d{2})?$/.exec(version);
  if (version !== null && date !== null) {
    const [, year, month, day, hour] = date.map(Number) as [number, number, number, number, number];
    return { name, version, builtAt: Date.UTC(year, month - 1, day, Number.isNaN(hour) ? 0 : hour) };
  }
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, HASH_CHARACTERS);
  return { name, version: version ?? `sha256:${hash}`, builtAt: stamp.modifiedMs };
}

async function packageVersion(directory: string): Promise<string | null> {
  try {
    const manifest: unknown = JSON.parse(await readFile(path.join(directory, 'package.json'), 'utf8'));
    const version = (manifest as { version?: unknown } | null)?.version;
    return typeof version === 'string' ? version : null;
  } catch {
    return null; // no package around the file, which is the usual case for an operator's own
  }
}
