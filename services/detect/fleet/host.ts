/** The exchange in a process of detect on Kafka, separate or chained: what its tasks need, and the service beside them. */
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { FLEET_FACT_RECORDS, FLEET_REPORT_RECORDS } from '#lib/codec/decoder.ts';
import type { FramedEncoder } from '#lib/codec/encode.ts';
import type { SchemaSource } from '#lib/codec/schema-source.ts';
import type { Log } from '#lib/log/log.ts';
import { growthInto, type Metrics } from '#lib/observe/metrics.ts';
import type { HostedServices } from '#lib/runner/host.ts';
import type { DetectConfig } from '../config.ts';
import { DETECT_OUTPUTS } from '../outputs.ts';
import type { ExchangeStats } from './exchange.ts';
import type { FleetLinkParts } from './link.ts';
import { EXCHANGE_SERVICE, exchangeService, type ExchangeTopics } from './task.ts';

export interface FleetParts {
  readonly log: Log;
  readonly topics: ExchangeTopics;
  readonly source: SchemaSource;
  readonly encoder: FramedEncoder;
  readonly detect: DetectConfig;
  readonly metrics: Metrics;
}

/** To be spread into the service of detect. */
export interface HostedFleet {
  readonly controls: readonly string[];
  readonly outputs: Readonly<Record<string, string>>;
  of(task: number): { readonly fleet?: FleetLinkParts };
  readonly beside: Pick<HostedServices, 'beside'>;
}

export async function openFleet({ log, topics, source, encoder, detect, metrics }: FleetParts): Promise<HostedFleet> {
  if (!detect.fleet.enabled) return { controls: [], outputs: {}, of: () => ({}), beside: {} };
  // The workers refuse to start where this is not the number of their inputs.
  const partitions = (await log.partitionsOf([topics.fleetReports])).get(topics.fleetReports) ?? 0;
  const facts = avroRecordDecoder({ source, names: FLEET_FACT_RECORDS });
  const service = exchangeService(topics, { config: detect, decoder: avroRecordDecoder({ source, names: FLEET_REPORT_RECORDS }), encoder, partitions, onBatch: countExchange(metrics) });
  return {
    controls: [topics.fleetFacts],
    outputs: { [DETECT_OUTPUTS.fleetReports]: topics.fleetReports },
    of: (task) => ({ fleet: { facts: topics.fleetFacts, decoder: facts, encoder, task, partitions } }),
    beside: { beside: { name: EXCHANGE_SERVICE, service } },
  };
}

/** Metrics of the exchange. */
export function countExchange(metrics: Metrics): (task: number, stats: ExchangeStats) => void {
  const late = metrics.counter('fleet_late_reports_total', 'Reports of hours that were complete already: clocks of people lie too far behind.');
  const subjects = metrics.taskGauge('fleet_subject_keys', 'Addresses, places, buckets and cohorts in the state of a task of the exchange.');
  const complete = metrics.taskGauge('fleet_complete_timestamp_seconds', 'End of the last hour that is complete, seconds since the epoch.');
  const grown = new Map<number, (total: number) => void>();
  return (task, { lateReports, subjects: held, completeThrough }) => {
    let grow = grown.get(task);
    if (grow === undefined) grown.set(task, (grow = growthInto(late)));
    grow(lateReports);
    subjects.set({ task: String(task) }, held);
    if (completeThrough > 0) complete.set({ task: String(task) }, completeThrough / 1_000);
  };
}
