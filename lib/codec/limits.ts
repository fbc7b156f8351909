/** What a decoder accepts before it looks at the meaning of a record. Every bound is checked before memory is taken. */
export interface DecodeLimits {
  /** Size of one encoded record (framing included) or one NDJSON line, bytes. */
  readonly recordBytesMax: number;
  /** Size of one string, UTF-8 bytes. */
  readonly stringBytesMax: number;
  /** Items of one array or map, over all of its blocks. */
  readonly arrayItemsMax: number;
  /** Items of all arrays and maps of one record together: bounds what items of zero size can blow up to. */
  readonly itemsMax: number;
  /** Nesting of records, arrays and maps. */
  readonly depthMax: number;
}

/** Above what ingest allows (512 items, identifiers of 256 characters), so that ingest gives the more exact reason. */
export const DEFAULT_DECODE_LIMITS: DecodeLimits = Object.freeze({
  recordBytesMax: 262_144,
  stringBytesMax: 16_384,
  arrayItemsMax: 4_096,
  itemsMax: 16_384,
  depthMax: 16,
});

/**
 * For records that this pipeline wrote itself. What ingest let in grows on the way (a pseudonym, facts about each of
 * 512 hops, a dead letter around its original bytes), and a worker treats its own records as trusted: one that its own
 * reader refused would stop it.
 */
export const INTERNAL_DECODE_LIMITS: DecodeLimits = Object.freeze({
  recordBytesMax: 33_554_432,
  stringBytesMax: 1_048_576,
  arrayItemsMax: 16_384,
  itemsMax: 131_072,
  depthMax: 16,
});
