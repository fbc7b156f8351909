/** How often the risk worker commits. */
import type { KafkaSection } from '#lib/kernel/config-sections.ts';

/** A revision that is written again changes nothing, so positions are committed rarely: what policy points wait for is mostly others at work. */
const COMMIT_INTERVAL_MS = 2_000;

/** The section with an interval of two seconds, or more where it says so; as far as `kafka.transactionTimeoutMs` lets it be. */
export function rarelyCommitting(kafka: KafkaSection): KafkaSection {
  const most = kafka.transactionTimeoutMs - kafka.drainTimeoutMs;
  return { ...kafka, commitIntervalMs: Math.max(kafka.commitIntervalMs, Math.min(COMMIT_INTERVAL_MS, most)) };
}
