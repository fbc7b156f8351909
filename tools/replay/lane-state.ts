/** The state of a lane, or of the exchange, in a file: (store, key, value)*, each led by its length (uint32, little endian). */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { StoredState } from '#lib/state/memory.ts';

const WRITE_BYTES = 1024 * 1024;

export function laneStatePath(directory: string, lane: number): string {
  return join(directory, `lane-${lane}.state`);
}

export function writeState(path: string, state: StoredState): void {
  const handle = openSync(path, 'w');
  let parts: Uint8Array[] = [];
  let bytes = 0;
  const flush = () => {
    const all = Buffer.concat(parts);
    for (let at = 0; at < all.length; ) at += writeSync(handle, all, at);
    parts = [];
    bytes = 0;
  };
  const put = (part: Uint8Array) => {
    const head = Buffer.allocUnsafe(4);
    head.writeUInt32LE(part.length);
    parts.push(head, part);
    bytes += 4 + part.length;
  };
  try {
    for (const { store, key, value } of state.encoded()) {
      put(Buffer.from(store));
      put(Buffer.from(key));
      put(Uint8Array.from(value)); // codecs may use their buffer again
      if (bytes >= WRITE_BYTES) flush();
    }
    flush();
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** @param isWanted of what is in the file; everything where it is left out */
export function readState(path: string, state: StoredState, isWanted: (store: string, key: string) => boolean = () => true): void {
  if (!existsSync(path)) return;
  const bytes = readFileSync(path);
  let at = 0;
  const take = (): Buffer => {
    const length = at + 4 <= bytes.length ? bytes.readUInt32LE(at) : Number.POSITIVE_INFINITY;
    at += 4 + length;
    if (at > bytes.length) throw new FarhandError('FARHAND_HISTORY_UNREADABLE', `${path}: the checkpoint is damaged; replay without --resume`);
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const [store, key, value] = [take().toString(), take().toString(), take()];
    // A copy: values may be kept as they are, and the file is not to stay in memory for one of them.
    if (isWanted(store, key)) state.restore(store, key, Uint8Array.from(value));
  }
}
