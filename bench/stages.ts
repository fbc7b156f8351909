/**
 * Where the CPU time goes, stage by stage, without a broker: a simulated fleet as framed Avro through decode, ingest,
 * enrich and detect (state in memory, as replay and the embedded host have it), and through the chained task with
 * captured state and everything that a commit encodes. A smaller fleet goes through first, unmeasured. CPU seconds of this process, so that a busy machine matters little.
 */
import { createHash } from 'node:crypto';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { encodeFramed, framedEncoder } from '#lib/codec/encode.ts';
import { fileSchemaSource } from '#lib/codec/schema-source.ts';
import { findingIdOf } from '#lib/kernel/identity.ts';
import { NO_PSEUDONYMS } from '#lib/kernel/pseudonym.ts';
import { encodeBatch } from '#lib/log/kafka-batch-builder.ts';
import type { OutgoingRecord } from '#lib/log/log.ts';
import { createMemoryReference } from '#lib/reference/memory.ts';
import { takeChanges } from '#lib/runner/changelog.ts';
import type { Emitter, RawRecord } from '#lib/runner/task.ts';
import { siemOutputsOf, siemSectionSchema } from '#lib/siem/config.ts';
import { thresholdsOf } from '#lib/siem/severity.ts';
import { createSiemWriter } from '#lib/siem/writer.ts';
import { topicsSectionSchema } from '#lib/kernel/config-sections.ts';
import { createCapturedState, createMemoryState } from '#lib/state/memory.ts';
import type { EnrichedEvent, ReferenceRecord, SuspiciousSession } from '#schemas/records.ts';
import { buildDetect } from '../services/detect/topology.ts';
import { openDatabases } from '../services/enrich/databases.ts';
import { buildEnrich } from '../services/enrich/topology.ts';
import type { TelemetryDecoder } from '../services/ingest/steps/decode.ts';
import { buildIngest } from '../services/ingest/topology.ts';
import { packFrames, unpackFrames, type PackedFrames } from '../tools/embedded/frames.ts';
import { createChainedTask } from '../tools/embedded/kafka/chained-task.ts';
import { loadEmbeddedConfig } from '../tools/embedded/pipeline.ts';
import { simulateFleet } from '../tools/simulate/fleet.ts';
import { BENCH_VANTAGE, BenchEvents } from './events.ts';

export const STAGES = ['decode', 'ingest', 'enrich', 'detect', 'chained', 'growth'] as const;
interface StageCost {
  readonly stage: string;
  readonly events: number;
  readonly keystrokes: number;
  readonly cpuMicrosPerEvent: number;
  readonly cpuNanosPerKeystroke: number;
  /** Events per second of one core that does nothing else. */
  readonly eventsPerCpuSecond: number;
}

export interface StagesResult {
  readonly workstations: number;
  readonly events: number;
  readonly keystrokes: number;
  readonly stages: readonly StageCost[];
  /** Cost of the chained task, commits included, against the sessions that it holds. */
  readonly growth: readonly { readonly sessions: number; readonly cpuMicrosPerEvent: number }[];
  /** Revisions of findings and SHA-256 over them: the same for every correct build. */
  readonly revisions: number;
  readonly digest: string;
}

const BATCH = 2_000;
/** Of the fleet that only warms up: workers run for months, and are compiled in their first seconds. */
const WARM_UP_WORKSTATIONS = 300;

class Meter {
  #micros = 0;

  measure<T>(work: () => T): T {
    const before = process.cpuUsage();
    const result = work();
    const { user, system } = process.cpuUsage(before);
    this.#micros += user + system;
    return result;
  }

  cost(stage: string, events: number, keystrokes: number): StageCost {
    const perEvent = Math.round((this.#micros / events) * 100) / 100;
    return { stage, events, keystrokes, cpuMicrosPerEvent: perEvent, cpuNanosPerKeystroke: Math.round((this.#micros / keystrokes) * 1000), eventsPerCpuSecond: Math.round((events / this.#micros) * 1e6) };
  }
}

interface Input {
  readonly reference: readonly ReferenceRecord[];
  readonly batches: readonly PackedFrames[];
  readonly records: number;
}

/** The whole fleet first, in buffers that the collector does not look into. */
function simulated(workstations: number): Input {
  const reference: ReferenceRecord[] = [];
  const batches: PackedFrames[] = [];
  let records = 0;
  for (const batch of simulateFleet({ workstations, piloted: Math.ceil(workstations / 30) })) {
    const values: Uint8Array[] = [];
    const arrivals: number[] = [];
    for (const { record, arrivedAt } of batch) {
      if (record.type !== 'KeystrokeLatency' && record.type !== 'Connection') reference.push(record);
      else {
        values.push(encodeFramed(record.type, record));
        arrivals.push(arrivedAt);
      }
    }
    records += values.length;
    if (values.length > 0) batches.push(packFrames(values, arrivals));
  }
  return { reference, batches, records };
}

async function parts() {
  const config = loadEmbeddedConfig(null);
  const reference = createMemoryReference({ findingIdOf: (tenantId, sessionId, ordinal) => findingIdOf(tenantId, sessionId, ordinal, config.detect.rulesName) });
  const databases = await openDatabases(config.enrich);
  return { config, reference, databases };
}

interface Counted {
  events: number;
  keystrokes: number;
  findings: SuspiciousSession[];
}

const metersOfStages = () => ({ decode: new Meter(), ingest: new Meter(), enrich: new Meter(), detect: new Meter() });

/** decode, ingest, enrich and detect, each on its own meter. */
async function apart(input: Input, meters: ReturnType<typeof metersOfStages>): Promise<Counted> {
  const { config, reference, databases } = await parts();
  reference.apply(input.reference);
  const decoder = avroRecordDecoder();
  const ingest = buildIngest({ config: config.ingest, decoder, state: createMemoryState() });
  const enrich = buildEnrich({ config: config.enrich, databases, reference });
  const detect = buildDetect({ config: config.detect, state: createMemoryState() });
  const counted: Counted = { events: 0, keystrokes: 0, findings: [] };
  let offset = 0;
  for (const frames of input.batches) {
    const batch = unpackFrames(frames, 'telemetry', offset);
    offset += batch.length;
    await ingest.prepare(batch);
    meters.decode.measure(() => {
      for (const record of batch) decoder.decode(record);
    });
    const { events } = meters.ingest.measure(() => ingest.process(batch));
    const enriched = meters.enrich.measure(() => enrich.process(events)) as EnrichedEvent[];
    counted.findings.push(...meters.detect.measure(() => detect.process(enriched)));
    counted.events += events.length;
    for (const event of events) if (event.type === 'KeystrokeLatency') counted.keystrokes += event.registrationLatencyMs.length;
  }
  counted.findings.push(...meters.detect.measure(() => detect.flush()));
  return counted;
}

/** Events of the broker bench's mix, as one task of eight sees them: 2,500 sessions, 100 events each. */
const TASK_EVENTS = { events: 250_000, sessions: 2_500, seed: 1, suspicious: 0.01 };
/** Sessions of one task, each with as many events: a minute of typing. The first round only warms up. */
const GROWTH_SESSIONS = [1_000, 1_000, 10_000, 100_000] as const;
const GROWTH_EVENTS_PER_SESSION = 6;
/** What one task of eight takes between two commits at 115,000 events/s: 100 ms and 1 s. */
const EVENTS_PER_COMMIT = [1_400, 14_000] as const;

/** The chained task, with what every commit encodes; all that is missing is the broker. */
async function chained(perCommit: number, mix: typeof TASK_EVENTS, work: Meter, commit: Meter): Promise<{ events: number; keystrokes: number }> {
  const { config, reference, databases } = await parts();
  reference.apply([BENCH_VANTAGE]);
  const state = createCapturedState();
  const outputs: OutgoingRecord[] = [];
  const emitter: Emitter = { emit: (topic, key, value, timestampMs) => void outputs.push({ topic, partition: null, key, value, timestampMs }) };
  const siem = createSiemWriter(siemOutputsOf(siemSectionSchema.parse({}), topicsSectionSchema.parse({})), thresholdsOf(config.detect.fusion));
  const source = fileSchemaSource();
  const decoder = avroRecordDecoder({ source });
  let keystrokes = 0;
  const counting: TelemetryDecoder = {
    prepare: (batch) => decoder.prepare(batch),
    decode(record) {
      const result = decoder.decode(record);
      if (result.ok && result.event.type === 'KeystrokeLatency') keystrokes += result.event.registrationLatencyMs.length;
      return result;
    },
  };
  const task = createChainedTask({ config, decoder: counting, encoder: framedEncoder(source), databases, reference, pseudonymiser: NO_PSEUDONYMS, state, siem });
  const generated = new BenchEvents(mix);
  let offset = 0;
  for (const events of generated.batches(perCommit)) {
    const records = events.map(({ person, value, kind }): RawRecord => ({ topic: kind, partition: 0, offset: offset++, arrivedAt: null, key: Buffer.from(person), value }));
    for (let from = 0; from < records.length; from += BATCH) {
      const batch = records.slice(from, from + BATCH);
      const waiting = work.measure(() => task.process(batch, emitter));
      if (waiting !== undefined) await waiting;
    }
    commit.measure(() => encodeCommit(state, outputs));
  }
  return { events: generated.count, keystrokes };
}

function encodeCommit(state: ReturnType<typeof createCapturedState>, outputs: OutgoingRecord[]): void {
  const producer = { id: 1n, epoch: 0, firstSequence: 0, transactional: true };
  const changes = takeChanges(state, 'changelog', 0, 1);
  for (const records of [changes, outputs]) if (records.length > 0) encodeBatch(records, producer, 'zstd');
  outputs.length = 0;
}

async function growthOf(): Promise<StagesResult['growth']> {
  const growth: { sessions: number; cpuMicrosPerEvent: number }[] = [];
  for (const sessions of GROWTH_SESSIONS) {
    const meter = new Meter();
    const { events, keystrokes } = await chained(14_000, { ...TASK_EVENTS, sessions, events: sessions * GROWTH_EVENTS_PER_SESSION }, meter, meter);
    growth.push({ sessions, cpuMicrosPerEvent: meter.cost('growth', events, keystrokes).cpuMicrosPerEvent });
  }
  return growth.slice(1);
}

export async function measureStages(workstations: number, only: ReadonlySet<string>): Promise<StagesResult> {
  await apart(simulated(Math.min(workstations, WARM_UP_WORKSTATIONS)), metersOfStages());
  const input = simulated(workstations);
  const meters = metersOfStages();
  const { events, keystrokes, findings } = await apart(input, meters);
  const stages = (['decode', 'ingest', 'enrich', 'detect'] as const).map((stage) => meters[stage].cost(stage, events, keystrokes));
  if (only.has('chained')) {
    for (const perCommit of EVENTS_PER_COMMIT) {
      const [work, commit] = [new Meter(), new Meter()];
      const counted = await chained(perCommit, TASK_EVENTS, work, commit);
      stages.push(work.cost('chained: process', counted.events, counted.keystrokes), commit.cost(`chained: commit of ${perCommit.toLocaleString('en')}`, counted.events, counted.keystrokes));
    }
  }
  return {
    workstations,
    events,
    keystrokes,
    growth: only.has('growth') ? await growthOf() : [],
    stages: stages.filter(({ stage }) => only.has(stage.split(':')[0]!)),
    revisions: findings.length,
    digest: createHash('sha256').update(findings.map((finding) => JSON.stringify(finding)).toSorted().join('\n')).digest('hex').slice(0, 12),
  };
}
