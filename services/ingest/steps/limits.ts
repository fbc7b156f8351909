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
/** The contract speaks of 1–30 s; a last interval may be cut short and a slow sensor may double one. */
export const INTERVAL_MS_MAX = 60_000;
/** The last time that ECMAScript can express, epoch ms. */
export const TIME_MS_MAX = 8_640_000_000_000_000;
/** The largest TCP option value and the largest port. */
export const UINT16_MAX = 65_535;
