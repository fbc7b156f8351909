/**
 * A fleet through three stages of worker processes on a cluster of three nodes while things break: processes are killed,
 * nodes die and come back, leaders move, Redis loses everything, disks are lost. What is committed in the end is compared
 * with what the embedded chain makes of the same records.
 */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { TELEMETRY_RECORDS } from '#lib/codec/decoder.ts';
import { encodeFramed } from '#lib/codec/encode.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { Prng } from '#lib/kernel/prng.ts';
import type { Log, LogRecord } from '#lib/log/log.ts';
import { siemOutputsOf } from '#lib/siem/config.ts';
import { thresholdsOf } from '#lib/siem/severity.ts';
import { createSiemWriter } from '#lib/siem/writer.ts';
import { createEmbeddedPipeline, loadEmbeddedConfig } from '../../tools/embedded/pipeline.ts';
import { simulateFleet, type Fleet } from '../../tools/simulate/fleet.ts';
import type { KafkaCluster } from '../infrastructure/cluster.ts';
import { startRedis, type LocalProgram } from '../infrastructure/local.ts';
import { kafkaLog, readAll, until } from '../infrastructure/logs.ts';
import type { Started } from '../infrastructure/process.ts';
import { install, type Installation } from './farhand.ts';
import { appendAftermath, isThrough, publishFleet, surely } from './fleet.ts';
import type { ReferenceRecord } from '#schemas/records.ts';

export const STAGES = ['ingest', 'enrich', 'detect'] as const;
export type Stage = (typeof STAGES)[number];

export interface FaultRun {
  readonly fleet: { readonly seed: number; readonly workstations: number; readonly piloted: number };
  readonly partitions: number;
  /** Of each stage. */
  readonly workers: number;
  readonly recordsPerSecond: number;
  readonly garbageShare: number;
  /** After the last fault everything must be through within this time. */
  readonly drainMsMax: number;
}

export interface FaultReport {
  readonly events: number;
  readonly findings: number;
  readonly letters: number;
  readonly faults: ReadonlyMap<string, number>;
  /** Times that the state of a task was restored from a checkpoint. */
  readonly checkpointsUsed: number;
  readonly seconds: number;
  /** Empty where everything is as it must be. */
  readonly differences: readonly string[];
}

interface Slot {
  readonly stage: Stage;
  readonly name: string;
  process: Started;
  /** Length of its log before this process: processes of one name write to one file. */
  logBefore: number;
  /** Being killed, or on its way out: not the supervisor's business. */
  leaving: boolean;
}

const SUPERVISE_MS = 200;
const LEAVE_MS_MAX = 60_000;

/** By what it said when it failed: clients that are being closed may complain at length after that. */
function endedByOutage(output: string): boolean {
  const code = /"event":"worker.failed","code":"(\w+)"/.exec(output)?.[1] ?? output.slice(-1_500);
  return /FARHAND_(LOG|REFERENCE)_UNAVAILABLE/.test(code);
}

/** What a site of faults can be told to do; each resolves when it has happened. */
export class Site {
  readonly cluster: KafkaCluster;
  readonly farhand: Installation;
  readonly prng: Prng;
  readonly faults = new Map<string, number>();
  /** What a worker ended by that is no outage. */
  readonly failures: string[] = [];
  readonly #run: FaultRun;
  readonly #slots: Slot[] = [];
  #redis: LocalProgram;
  #added = 0;
  #over = false;
  /** Records that have been sent, of about how many. */
  sent = 0;
  total = 1;
  sending = true;

  constructor(cluster: KafkaCluster, redis: LocalProgram, run: FaultRun) {
    this.cluster = cluster;
    this.#redis = redis;
    this.#run = run;
    this.prng = new Prng(run.fleet.seed, 'faults');
    this.farhand = install(cluster.brokers, redis.address, run.partitions, { topics: { replicationFactor: 3 }, state: { checkpointIntervalMs: 1_000 }, detect: { fleet: { idlePartitionMs: 1_000 } } });
  }

  get redis(): LocalProgram {
    return this.#redis;
  }

  #count(fault: string): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
  }

  async begin(): Promise<void> {
    await this.farhand.run('topics');
    for (const stage of STAGES) for (let n = 0; n < this.#run.workers; n++) this.#start(stage, `w${n}`);
    void this.#supervise();
  }

  #start(stage: Stage, name: string): void {
    this.#slots.push({ stage, name, process: this.farhand.worker(stage, name), logBefore: 0, leaving: false });
  }

  #startAgain(slot: Slot): void {
    slot.logBefore = slot.process.output().length;
    slot.process = this.farhand.worker(slot.stage, slot.name);
  }

  /** As an operator's supervisor would: a worker that an outage ended is started again. */
  async #supervise(): Promise<void> {
    while (!this.#over) {
      for (const slot of this.#slots) {
        const status = slot.process.exitStatus();
        if (slot.leaving || status === null) continue;
        const output = slot.process.output().slice(slot.logBefore);
        if (!endedByOutage(output)) this.failures.push(`${slot.stage} ${slot.name} ended with ${status}: ${output.slice(-1_500)}`);
        this.#count('worker ended by an outage');
        this.#startAgain(slot);
      }
      await systemClock.sleep(SUPERVISE_MS);
    }
  }

  #pick(stage?: Stage): Slot {
    const up = this.#slots.filter((slot) => !slot.leaving && slot.process.exitStatus() === null && (stage === undefined || slot.stage === stage));
    return up.length === 0 ? this.#slots[0]! : this.prng.pick(up);
  }

  /** kill -9, and a new process under the same name soon after; `loseDisk`: on an empty disk. */
  async killWorker(loseDisk = false, stage?: Stage): Promise<void> {
    const slot = this.#pick(stage);
    slot.leaving = true;
    slot.process.kill('SIGKILL');
    await until('the killed worker is gone', () => slot.process.exitStatus() !== null);
    if (loseDisk) rmSync(this.farhand.diskOf(slot.stage, slot.name), { recursive: true, force: true });
    await systemClock.sleep(this.prng.uniform(100, 800));
    this.#startAgain(slot);
    slot.leaving = false;
    this.#count('worker killed');
    if (loseDisk) this.#count('disk lost');
  }

  addWorker(): Promise<void> {
    this.#start(this.prng.pick(STAGES), `added-${this.#added++}`);
    this.#count('worker added');
    return Promise.resolve();
  }

  /** SIGTERM: it must be gone in good order, and in time. */
  async removeWorker(): Promise<void> {
    const crowd = STAGES.toSorted((a, b) => this.#of(b) - this.#of(a))[0]!;
    const slot = this.#pick(crowd);
    // Nobody else's from here on: neither killed nor started again.
    slot.leaving = true;
    const joined = (): boolean => slot.process.output().includes('"event":"group.assigned"', slot.logBefore);
    await until('a worker that has joined, or ended by an outage', () => joined() || slot.process.exitStatus() !== null, LEAVE_MS_MAX);
    const outage = slot.process.exitStatus() !== null;
    await slot.process.stop(LEAVE_MS_MAX);
    if (!outage && slot.process.exitStatus() !== 0) this.failures.push(`${slot.stage} ${slot.name} did not leave in good order: ${slot.process.output().slice(-1_500)}`);
    this.#slots.splice(this.#slots.indexOf(slot), 1);
    this.#count('worker removed');
  }

  #of(stage: Stage): number {
    return this.#slots.filter((slot) => slot.stage === stage).length;
  }

  /** kill -9 of one node, which comes back on its old disk. */
  async killBroker(): Promise<void> {
    const id = 1 + this.prng.below(3);
    this.cluster.kill(id);
    this.#count('broker killed');
    await systemClock.sleep(this.prng.uniform(500, 4_000));
    await this.cluster.restart(id);
  }

  async moveLeader(): Promise<void> {
    const { topics } = this.farhand;
    await this.cluster.moveLeader(this.prng.pick([topics.keystrokeLatency, topics.events, topics.enriched, topics.detectChangelog]), this.prng.below(this.#run.partitions));
    this.#count('leader moved');
  }

  /** kill -9, and an empty one on its port. */
  async killRedis(): Promise<void> {
    const port = Number(new URL(this.#redis.address).port);
    this.#redis.process.kill('SIGKILL');
    await this.#redis.stop();
    await systemClock.sleep(this.prng.uniform(300, 2_500));
    this.#redis = await startRedis(port);
    this.#count('Redis killed');
  }

  get checkpointsUsed(): number {
    const outputs = new Set(this.#slots.map((slot) => slot.process.output()));
    let used = 0;
    for (const output of outputs) used += output.match(/"event":"task.restored","task":\d+,"records":\d+,"checkpointEntries":\d+/g)?.length ?? 0;
    return used;
  }

  async end(): Promise<void> {
    this.#over = true;
    await this.farhand.stop();
  }
}

/** `disturb` goes on beside the sending; the run ends when both are over and all is through. */
export async function runUnderFaults(site: Site, run: FaultRun, disturb: (site: Site) => Promise<void>): Promise<FaultReport> {
  const began = systemClock.monotonicMs();
  const fleet = simulateFleet(run.fleet);
  const log = await kafkaLog(site.cluster.brokers);
  try {
    await site.begin();
    const { topics, group } = site.farhand;
    site.total = run.fleet.workstations * 1_000;
    const sending = publishFleet({ log, topics, fleet, garbageShare: run.garbageShare, recordsPerSecond: run.recordsPerSecond, onSent: (records) => (site.sent = records) }).finally(() => (site.sending = false));
    await Promise.all([sending, disturb(site)]);
    await appendAftermath(log, topics, fleet.options.startAt, run.partitions);
    const inputs = { ingest: [topics.keystrokeLatency, topics.connection], enrich: [topics.events], detect: [topics.enriched] };
    for (const stage of STAGES) {
      for (let partition = 0; partition < run.partitions; partition++) {
        await until(`${stage} at the end of partition ${partition}`, () => isThrough(log, `${group}-${stage}`, inputs[stage], partition), run.drainMsMax);
      }
    }
    const { checkpointsUsed } = site;
    const compared = await compare(log, site.farhand, run, fleet);
    return { ...compared, differences: [...site.failures, ...compared.differences], faults: site.faults, checkpointsUsed, seconds: (systemClock.monotonicMs() - began) / 1_000 };
  } finally {
    await log.close();
  }
}

const digestOf = (value: Uint8Array): string => createHash('sha1').update(value).digest('base64');

/** Values by topic, as digests; of the large ones their number and a sum that knows no order. */
class Collected {
  readonly findings: string[] = [];
  /** Framed, by digest: to say what differs. */
  readonly framed = new Map<string, Uint8Array>();
  readonly siem: string[] = [];
  readonly letters: string[] = [];
  events = 0;
  eventSum = 0;

  finding(value: Uint8Array): void {
    const digest = digestOf(value);
    this.findings.push(digest);
    this.framed.set(digest, value);
  }

  event(value: Uint8Array): void {
    this.events++;
    this.eventSum = (this.eventSum + createHash('sha1').update(value).digest().readUIntBE(0, 6)) % 2 ** 48;
  }
}

const BATCH_RECORDS = 2_000;

async function compare(log: Log, farhand: Installation, run: FaultRun, fleet: Fleet): Promise<Pick<FaultReport, 'events' | 'findings' | 'letters' | 'differences'>> {
  const { topics } = farhand;
  const partitions = Array.from({ length: run.partitions }, (_, partition) => partition);
  const found = new Collected();
  let enriched = 0;
  const valuesOf = async (topic: string, partition: number) => (await surely(() => readAll(log, topic, partition))).map(({ value }) => value!);
  for (const partition of partitions) {
    for (const value of await valuesOf(topics.suspiciousSessions, partition)) found.finding(value);
    for (const value of await valuesOf(topics.siemFindings, partition)) found.siem.push(digestOf(value));
    for (const value of await valuesOf(topics.deadLetter, partition)) found.letters.push(digestOf(value));
    for (const value of await valuesOf(topics.events, partition)) found.event(value);
    enriched += (await valuesOf(topics.enriched, partition)).length;
  }
  const expected = await embedded(log, farhand, partitions, fleet);
  const differences: string[] = [];
  for (const kind of ['findings', 'siem', 'letters'] as const) {
    const difference = setDifference(expected[kind], found[kind]);
    if (difference !== null) differences.push(`${kind}: ${difference}`);
  }
  differences.push(...changedFields(expected, found));
  if (found.events !== expected.events || found.eventSum !== expected.eventSum) differences.push(`events: ${expected.events} expected, ${found.events} found, or others`);
  if (enriched !== expected.events) differences.push(`enriched: ${expected.events} expected, ${enriched} found`);
  return { events: found.events, findings: found.findings.length, letters: found.letters.length, differences };
}

function setDifference(expected: readonly string[], found: readonly string[]): string | null {
  const counts = new Map<string, number>();
  for (const one of expected) counts.set(one, (counts.get(one) ?? 0) + 1);
  for (const one of found) counts.set(one, (counts.get(one) ?? 0) - 1);
  const missing = [...counts.values()].filter((count) => count > 0).length;
  const extra = [...counts.values()].filter((count) => count < 0).length;
  return missing + extra === 0 ? null : `${expected.length} expected, ${found.length} found; ${missing} are missing, ${extra} are unknown or twice`;
}

const FIELD_CHARACTERS_MAX = 1_500;

/** Of the revisions that are others than expected, which fields are, and what they say. */
function changedFields(expected: Collected, found: Collected): string[] {
  const decoder = avroRecordDecoder({ names: ['SuspiciousSession'] });
  const onlyIn = (one: Collected, other: Collected) =>
    [...one.framed].filter(([digest]) => !other.framed.has(digest)).flatMap(([, value]) => {
      const result = decoder.decode({ topic: '', partition: 0, offset: 0, arrivedAt: null, key: null, value });
      return result.ok ? [result.event] : [];
    });
  const others = onlyIn(found, expected);
  return onlyIn(expected, found).map((wanted) => {
    const name = `${wanted.findingId} revision ${wanted.revision}`;
    const other = others.find(({ findingId, revision }) => findingId === wanted.findingId && revision === wanted.revision);
    if (other === undefined) return `${name}: missing`;
    const text = (value: unknown): string => JSON.stringify(value).slice(0, FIELD_CHARACTERS_MAX);
    const fields = Object.entries(wanted).filter(([field, value]) => text(value) !== text(other[field as keyof typeof other]));
    return `${name}: ${fields.map(([field, value]) => `${field} ${text(value)} expected, ${text(other[field as keyof typeof other])} found`).join('; ')}`;
  });
}

/** What the embedded chain makes of the telemetry as the brokers have it. */
async function embedded(log: Log, { topics, configFile }: Installation, partitions: readonly number[], fleet: Fleet): Promise<Collected> {
  const collected = new Collected();
  const config = loadEmbeddedConfig(configFile);
  const siem = createSiemWriter(siemOutputsOf(config.siem, topics), thresholdsOf(config.detect.fusion));
  const emitter = { emit: (_output: string, _key: Uint8Array | null, value: Uint8Array) => void collected.siem.push(digestOf(value)) };
  const pipeline = await createEmbeddedPipeline({
    config,
    decoder: avroRecordDecoder({ names: TELEMETRY_RECORDS }),
    partitions: partitions.length,
    onEvents: (events) => events.forEach((event) => collected.event(encodeFramed(event.type, event as never))),
    onFindings: (findings) => {
      for (const finding of findings) collected.finding(encodeFramed('SuspiciousSession', finding));
      siem.write(findings, emitter);
    },
    onDeadLetters: (letters) => letters.forEach((letter) => collected.letters.push(digestOf(encodeFramed('DeadLetter', letter)))),
  });
  pipeline.applyReference(fleet.reference as ReferenceRecord[]);
  // As each task merges its two inputs: by arrival, keystrokes first where both came at once.
  const records: LogRecord[] = [];
  for (const partition of partitions) {
    for (const topic of [topics.keystrokeLatency, topics.connection]) for (const record of await surely(() => readAll(log, topic, partition))) records.push(record);
  }
  records.sort((a, b) => a.timestampMs - b.timestampMs);
  for (let at = 0; at < records.length; at += BATCH_RECORDS) await pipeline.process(records.slice(at, at + BATCH_RECORDS));
  pipeline.flush();
  return collected;
}
