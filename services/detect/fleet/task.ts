/** The exchange as the runner drives it on Kafka: reports and watermarks of detect in, keyed by subject; facts out, to every task of detect. */
import type { RecordDecoder } from '#lib/codec/decoder.ts';
import type { FramedEncoder } from '#lib/codec/encode.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { emitReceipt, ERASURE_RECEIPTS } from '#lib/runner/erasure.ts';
import type { ServiceSpec } from '#lib/runner/options.ts';
import type { Emitter, RawRecord, Task } from '#lib/runner/task.ts';
import type { FleetProgress, FleetReport } from '#schemas/records.ts';
import type { DetectConfig } from '../config.ts';
import { EXCHANGE_OUTPUTS } from '../outputs.ts';
import { completeAfterMs, Exchange, type ExchangeOptions, type ExchangeStats } from './exchange.ts';
import { hourOf } from './minutes.ts';
import { ERASED_KIND } from './subjects.ts';

export interface ExchangeTaskParts extends ExchangeOptions {
  /** Reads the records of FLEET_REPORT_RECORDS. */
  readonly decoder: RecordDecoder<FleetReport | FleetProgress>;
  /** Its source must have prepared FleetFact and FleetProgress. */
  readonly encoder: FramedEncoder;
  /** The task's own number, and how many tasks of the exchange and of detect there are. */
  readonly task: number;
  readonly partitions: number;
  readonly onBatch?: (stats: ExchangeStats) => void;
}

export function createExchangeTask({ decoder, encoder, task, partitions, onBatch, ...options }: ExchangeTaskParts): Task {
  const exchange = new Exchange(options);
  const { config } = options;
  const behindMs = completeAfterMs(config);
  let toldFront = -Infinity;

  function erase({ subject: requestId, tenantId, userId }: FleetReport, emitter: Emitter): void {
    const keys = exchange.erase(tenantId, userId);
    // Those of before this release have no id, and nobody waits for an answer.
    if (requestId !== ERASED_KIND) emitReceipt({ requestId, service: EXCHANGE_SERVICE, task, keys, sessions: [], openFindings: [] }, 0, emitter);
  }

  function take(batch: readonly RawRecord[], emitter: Emitter): void {
    const reports: FleetReport[] = [];
    for (const record of batch) {
      const decoded = decoder.decode(record);
      if (!decoded.ok) {
        const { topic, partition, offset } = record;
        throw new FarhandError('FARHAND_POISON_RECORD', `${topic}/${partition}@${offset}: ${decoded.reason} ${decoded.detail}`);
      }
      const { event } = decoded;
      if (event.type === 'FleetReport' && event.kind !== ERASED_KIND) {
        reports.push(event);
        continue;
      }
      exchange.take(reports.splice(0));
      if (event.type === 'FleetProgress') exchange.heard(event);
      else erase(event, emitter);
    }
    exchange.take(reports);
  }

  function toEverybody(value: Uint8Array, timestampMs: number, emitter: Emitter): void {
    for (let partition = 0; partition < partitions; partition++) emitter.emit(EXCHANGE_OUTPUTS.fleetFacts, null, value, timestampMs, partition);
  }

  function answer(emitter: Emitter): void {
    const before = exchange.completeThrough;
    for (const fact of exchange.complete(exchange.heardThrough)) {
      // To every task: where pseudonyms are made in the task itself, the key of a person's telemetry is not known here.
      toEverybody(encoder.encode('FleetFact', fact), fact.windowEnd, emitter);
    }
    const { frontAt, completeThrough } = exchange;
    // Idle partitions follow this front, and an hour that could be complete waits for them.
    const waited = frontAt > toldFront && hourOf(frontAt - behindMs) > completeThrough;
    if (completeThrough === before && !waited && frontAt - toldFront < config.fleet.progressEveryMs) return;
    toldFront = frontAt;
    toEverybody(encoder.encode('FleetProgress', { type: 'FleetProgress', from: task, of: partitions, throughAt: exchange.factsThrough, frontAt }), frontAt, emitter);
  }

  function run(batch: readonly RawRecord[], emitter: Emitter): void {
    take(batch, emitter);
    answer(emitter);
    onBatch?.(exchange.stats());
  }

  return {
    process(batch, emitter) {
      const waiting = decoder.prepare(batch);
      return waiting === undefined ? run(batch, emitter) : waiting.then(() => run(batch, emitter));
    },
    flush: () => undefined,
  };
}

export interface ExchangeTopics {
  readonly fleetReports: string;
  readonly fleetFacts: string;
  readonly fleetChangelog: string;
  readonly erasureReceipts: string;
}

/** Its name among services: of its group, and in receipts. */
export const EXCHANGE_SERVICE = 'fleet';

/** The exchange as a service beside detect. `partitions`: of all three topics, as of the inputs of detect. */
export function exchangeService(
  topics: ExchangeTopics,
  { config, decoder, encoder, partitions, onBatch }: Omit<ExchangeTaskParts, 'state' | 'task' | 'onBatch'> & { readonly config: DetectConfig; readonly onBatch?: (task: number, stats: ExchangeStats) => void },
): Omit<ServiceSpec, 'application'> {
  return {
    inputs: [topics.fleetReports],
    outputs: { [EXCHANGE_OUTPUTS.fleetFacts]: topics.fleetFacts, [ERASURE_RECEIPTS]: topics.erasureReceipts },
    changelog: topics.fleetChangelog,
    createTask: (task, state) => createExchangeTask({ config, decoder, encoder, state, task, partitions, ...(onBatch === undefined ? {} : { onBatch: (stats) => onBatch(task, stats) }) }),
  };
}
