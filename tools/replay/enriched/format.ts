/**
 * The kept form of an enriched stream: one file per lane, so that detection alone can be repeated by as many workers as
 * there are lanes. It lives as long as the release that wrote it. Of an event it holds what detection takes up
 * (services/detect/steps/digest.ts), and what many events share (the names of a session, reference data, what is known of an
 * address) is written once a block and named by number (uint32).
 *
 * file  = magic, schema fingerprint (32 bytes), block*
 * block = stored bytes, plain bytes, events (uint32 each, little endian), zstd of entry*, with its checksum
 * entry = 1, value (JSON text)                   the next number, from 1; 0 is null
 *       | 2, head, context, time, id, transport round trip, clock error, interval, digest    keystrokes
 *       | 3, head, context, databases, facts, time, id, three round trips                    connection
 *       | 4, event time (float64)                all that follows came after the whole history had come to this time
 */
import { createHash } from 'node:crypto';
import { schemaOf } from '#lib/codec/schemas.ts';
import { DIGEST_GRIDS } from '../../../services/detect/steps/digest.ts';
import { LANES } from '../lanes.ts';

export const ENRICHED_MAGIC = Buffer.from('FARHAND-ENRICHED-3\n', 'latin1');
export const FINGERPRINT_BYTES = 32;
export const BLOCK_HEAD_BYTES = 12;
/** A block is closed when it has this many bytes. */
export const BLOCK_BYTES = 512 * 1024;
/** What a reader takes a block for; one event has at most what INTERNAL_DECODE_LIMITS says. */
export const BLOCK_BYTES_MAX = 128 * 1024 * 1024;

export const VALUE = 1;
export const KEYSTROKES = 2;
export const CONNECTION = 3;
export const MARK = 4;

/** Beside the lanes' files; its presence makes a directory a kept stream. */
export const MANIFEST_NAME = 'enriched.json';

export function laneFileName(lane: number): string {
  return `lane-${String(lane).padStart(String(LANES - 1).length, '0')}.enriched`;
}

let fingerprint: Buffer | null = null;

/** Of the shapes of an enriched event and of the grids of a digest: a stream with others is not read. */
export function schemaFingerprint(): Buffer {
  fingerprint ??= createHash('sha256').update(schemaOf('EnrichedKeystrokes').text).update(schemaOf('EnrichedConnection').text).update(DIGEST_GRIDS).digest();
  return fingerprint;
}
