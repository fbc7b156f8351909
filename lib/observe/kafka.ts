/** What goes wrong between the tasks and Kafka, as metrics and log lines. */
import type { KafkaHooks } from '#lib/log/kafka-section.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

/** At most one line in this time about fetches that fail: an outage is one fact. */
const FAILURE_LOG_MS = 10_000;

export function observeKafka(metrics: Metrics, logger: Logger, monotonicMs: () => number): Required<KafkaHooks> {
  const lost = metrics.counter('records_lost_total', 'Input records that retention deleted before they were read. Control records are counted in.', { topic: 'input and reference topics' });
  const failures = metrics.counter('fetch_failures_total', 'Fetches that failed and are tried again.');
  let saidAt = -Infinity;
  return {
    /** kafkajs's "errors" are mostly retries that succeed, so only the end of a membership is a warning. */
    onLog: (level, message, fields) => {
      const { namespace, error, broker } = fields as { namespace?: string; error?: Error | string; broker?: string };
      const warning = level === 'error' && message.startsWith('Crash');
      logger[warning ? 'warn' : 'debug']({ event: 'kafka.client', namespace, broker, error: error === undefined ? undefined : String(error) }, message);
    },
    onGap: (topic, partition, from, to) => {
      lost.inc({ topic }, Math.max(0, to - from));
      const text = to > from ? 'records were deleted before they were read' : 'the partition ends before the committed position and is read from its beginning';
      logger.error({ event: 'records.lost', topic, partition, from, to }, text);
    },
    onFetchFailure: (error) => {
      failures.inc();
      if (monotonicMs() - saidAt < FAILURE_LOG_MS) return;
      saidAt = monotonicMs();
      logger.warn({ event: 'kafka.fetch', error: error.message });
    },
  };
}
