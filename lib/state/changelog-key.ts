/** The key of a state change, in the changelog and in checkpoints: the store's name, a zero byte, the state's key. */
import { assert } from '#lib/kernel/errors.ts';

const SEPARATOR = 0;
const decoder = new TextDecoder('utf-8', { fatal: true });

export function changelogKey(store: string, key: string): Buffer {
  const name = Buffer.byteLength(store);
  const bytes = Buffer.allocUnsafe(name + 1 + Buffer.byteLength(key));
  bytes.write(store, 0);
  bytes[name] = SEPARATOR;
  bytes.write(key, name + 1);
  return bytes;
}

/** `where` names the record in the message of a failure. */
export function parseChangelogKey(bytes: Uint8Array | null, where: () => string): { store: string; key: string } {
  const separator = bytes?.indexOf(SEPARATOR) ?? -1;
  assert(bytes !== null && separator > 0, `${where()} is not a record of a changelog`);
  return { store: decoder.decode(bytes.subarray(0, separator)), key: decoder.decode(bytes.subarray(separator + 1)) };
}
