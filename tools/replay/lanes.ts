/**
 * A replay spreads people over a fixed number of lanes, as a topic does over its partitions. A lane is folded alone
 * and in order, so what it says depends on its own records only: neither on the number of workers nor on that of shares.
 */
import { personKey } from '#lib/kernel/identity.ts';
import { partitionOf } from '#lib/log/partitioner.ts';

/** Never changes: checkpoints, kept enriched streams and shares are made of lanes. */
export const LANES = 64;
/** Reference records go to every lane. */
export const EVERY_LANE = -1;

/** One of `of` processes that work on a history together; `index` from 1. */
export interface Share {
  readonly index: number;
  readonly of: number;
}

export const WHOLE: Share = { index: 1, of: 1 };

/** The lanes of a share, rising. */
export function lanesOf({ index, of }: Share): number[] {
  return Array.from({ length: LANES }, (_, lane) => lane).filter((lane) => lane % of === index - 1);
}

const KEY_BYTES_MAX = 4096;
const SEPARATOR = 0x7c; // |
const scratch = new Uint8Array(KEY_BYTES_MAX);

/** The lane of `tenantId|userId`, both given as UTF-8 bytes within `bytes`. */
export function laneOfBytes(bytes: Uint8Array, tenantStart: number, tenantEnd: number, userStart: number, userEnd: number): number {
  let length = tenantEnd - tenantStart + userEnd - userStart + 1;
  if (length > KEY_BYTES_MAX) return laneOf(textOf(bytes, tenantStart, tenantEnd), textOf(bytes, userStart, userEnd));
  length = 0;
  for (let i = tenantStart; i < tenantEnd; i++) scratch[length++] = bytes[i]!;
  scratch[length++] = SEPARATOR;
  for (let i = userStart; i < userEnd; i++) scratch[length++] = bytes[i]!;
  return partitionOf(scratch, LANES, length);
}

export function laneOf(tenantId: string, userId: string): number {
  return partitionOf(personKey({ tenantId, userId }), LANES);
}

/** What belongs to nobody (no JSON, no person) is only counted and written: any lane will do, as long as it is always the same. */
export function laneOfNobody(offset: number): number {
  return offset % LANES;
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

/** Remembers lanes of people, bounded by being emptied. */
export class LaneTable {
  static readonly PEOPLE_MAX = 200_000;
  readonly #known = new Map<string, { tenantId: string; lane: number }>();

  laneOf(tenantId: string, userId: string): number {
    const known = this.#known.get(userId);
    if (known !== undefined && known.tenantId === tenantId) return known.lane;
    if (this.#known.size >= LaneTable.PEOPLE_MAX) this.#known.clear();
    const lane = laneOf(tenantId, userId);
    this.#known.set(userId, { tenantId, lane });
    return lane;
  }
}
