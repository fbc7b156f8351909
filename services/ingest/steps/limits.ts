/** The ranges that issue and contract fix for incoming telemetry. */

/** Registration latencies, intervals between keys, holds and round trips, ms. */
export const LATENCY_MS_MAX = 60_000;
/** Entries of each of the three keystroke arrays. */
export const SAMPLES_MAX = 512;
/** Characters of an identifier (at least 1). */
export const IDENTIFIER_LENGTH_MAX = 256;
/** Characters of a free-text field: tool names, fingerprints, zones, displays. */
export const TEXT_LENGTH_MAX = 256;
/** TTL is one byte, and a route has no more hops. */
export const HOPS_MAX = 255;
/** Proxies on the way, remote-control tools and input devices of one record. */
export const LIST_MAX = 64;
/**
 * Longest interval of one record, ms; the shortest is 1. The contract's 1–30 s are the usual range and no bound: a last
 * interval is cut short by the end of its session, and a sensor that was held up (a busy machine, a closed lid) sends a
 * longer one, with keystrokes that are as good as any. Beyond a minute it would be longer than a window of detect.
 */
export const INTERVAL_MS_MAX = 60_000;
/** The last time that ECMAScript can express, epoch ms. */
export const TIME_MS_MAX = 8_640_000_000_000_000;
/** The largest TCP option value and the largest port. */
export const UINT16_MAX = 65_535;
