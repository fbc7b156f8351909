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
