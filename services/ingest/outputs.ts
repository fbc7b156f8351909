/** What ingest sends, by name; which topic that is, is the host's business. */
export const INGEST_OUTPUTS = {
  /** Valid, de-duplicated telemetry in its input schema, keyed by person. */
  events: 'events',
  deadLetters: 'deadLetters',
  /** How far a task is, for the other tasks. */
  progress: 'progress',
} as const;
