/** What enrich puts out, by name; the host maps names to topics. */
export const ENRICH_OUTPUTS = {
  /** EnrichedKeystrokes and EnrichedConnection, keyed as their input. Default topic: farhand.enriched.v1. */
  enriched: 'enriched',
} as const;
