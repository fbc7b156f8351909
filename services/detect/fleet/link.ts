/**
 * Between a task of detect on Kafka and the exchange: what people report and how far the task is goes out; facts and how
 * far those go come in, and say up to which event the task may go on. Shared by the detect worker and the chained one.
 */
import type { RecordDecoder } from '#lib/codec/decoder.ts';
import type { FramedEncoder } from '#lib/codec/encode.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { ErasureSubject } from '#lib/runner/erasure.ts';
import type { Emitter, RawRecord } from '#lib/runner/task.ts';
import type { FleetFact, FleetProgress, FleetReport, SuspiciousSession } from '#schemas/records.ts';
import type { DetectConfig } from '../config.ts';
import { DETECT_OUTPUTS } from '../outputs.ts';
import type { DetectPipeline } from '../topology.ts';
import { completeAfterMs } from './exchange.ts';
import { hourOf } from './minutes.ts';
import { ERASED_KIND } from './subjects.ts';

export interface FleetLinkParts {
  /** Topic of the facts, one of the task's controls. */
  readonly facts: string;
  /** Reads the records of FLEET_FACT_RECORDS. */
  readonly decoder: RecordDecoder<FleetFact | FleetProgress>;
  /** Its source must have prepared FleetReport and FleetProgress. */
  readonly encoder: FramedEncoder;
  /** The task's own number, and how many tasks of detect and of the exchange there are. */
  readonly task: number;
  readonly partitions: number;
}

export class FleetLink {
  readonly #config: DetectConfig;
  readonly #pipeline: DetectPipeline;
  readonly #parts: FleetLinkParts;
  /** Highest event time met here, that of an event that is held back included. */
  #front = -Infinity;
  #toldThrough = -Infinity;
  #toldFront = -Infinity;

  constructor(config: DetectConfig, pipeline: DetectPipeline, parts: FleetLinkParts) {
    this.#config = config;
    this.#pipeline = pipeline;
    this.#parts = parts;
  }

  prepare(batch: readonly RawRecord[]): undefined | Promise<void> {
    const own = batch.filter(({ topic }) => topic === this.#parts.facts);
    return own.length === 0 ? undefined : this.#parts.decoder.prepare(own);
  }

  isFact({ topic }: RawRecord): boolean {
    return topic === this.#parts.facts;
  }

  /** Facts come once or more, in any order: what is known already changes nothing. */
  hear(record: RawRecord): void {
    const decoded = this.#parts.decoder.decode(record);
    if (!decoded.ok) {
      const { topic, partition, offset } = record;
      throw new FarhandError('FARHAND_POISON_RECORD', `${topic}/${partition}@${offset}: ${decoded.reason} ${decoded.detail}`);
    }
    if (decoded.event.type === 'FleetProgress') this.#pipeline.heard(decoded.event);
    else this.#pipeline.learn([decoded.event]);
  }

  /** The last event time that may be shown: beyond it, a window could close whose facts are not known yet. */
  get shownThrough(): number {
    return this.#pipeline.horizon.throughAt + this.#config.allowedLatenessMs;
  }

  /**
   * An event is about to be shown, or is the first of those that are held back. Its time was held against its arrival.
   * True where it completes an hour here: what lies before it has to be shown, and `settle` be called, first.
   */
  meets(observedAt: number): boolean {
    if (observedAt <= this.#front) return false;
    const before = this.#front;
    this.#front = observedAt;
    const behindMs = completeAfterMs(this.#config);
    return hourOf(observedAt - behindMs) > hourOf(before - behindMs);
  }

  /** Closes the people who stopped before the hour was complete; answers what that found. */
  settle(): SuspiciousSession[] {
    return this.#pipeline.advance(this.#front);
  }

  /** See Task: nothing waited here that arrived before the furthest event that others are known to have met, so the front follows theirs. */
  idle(found: (findings: readonly SuspiciousSession[], emitter: Emitter) => void): ((emitter: Emitter) => void) | null {
    const { frontAt } = this.#pipeline.horizon;
    if (frontAt <= this.#front) return null;
    return (emitter) => {
      this.#front = Math.max(this.#front, frontAt);
      found(this.report(emitter), emitter);
    };
  }

  /** After a batch: closes the people who stopped, and says what is out. Answers what closing them found. */
  report(emitter: Emitter): SuspiciousSession[] {
    const front = this.#front;
    const found = Number.isFinite(front) ? this.#pipeline.advance(front) : [];
    const { encoder } = this.#parts;
    for (const report of this.#pipeline.takeReports()) {
      emitter.emit(DETECT_OUTPUTS.fleetReports, Buffer.from(report.subject, 'utf8'), encoder.encode('FleetReport', report), report.windowStart);
    }
    this.#tell(front, emitter);
    return found;
  }

  #tell(front: number, emitter: Emitter): void {
    const { encoder, task, partitions } = this.#parts;
    const through = this.#pipeline.reportsThrough;
    if (!Number.isFinite(through) || !Number.isFinite(front)) return;
    const news = hourOf(through) > hourOf(this.#toldThrough) || through - this.#toldThrough >= this.#config.fleet.progressEveryMs;
    // Whoever waits for an hour to be complete must not wait for the next watermark.
    const waits = front > this.shownThrough && front > this.#toldFront;
    if (!news && !waits) return;
    this.#toldThrough = through;
    this.#toldFront = front;
    const progress: FleetProgress = { type: 'FleetProgress', from: task, of: partitions, throughAt: through, frontAt: front };
    const value = encoder.encode('FleetProgress', progress);
    for (let partition = 0; partition < partitions; partition++) emitter.emit(DETECT_OUTPUTS.fleetReports, null, value, front, partition);
  }

  /** What the exchange holds about a person goes too, in all of its tasks; each sends a receipt. */
  erase({ requestId, tenantId, userId }: ErasureSubject, emitter: Emitter): void {
    const { encoder, partitions } = this.#parts;
    const request: FleetReport = { type: 'FleetReport', subject: requestId, kind: ERASED_KIND, tenantId, userId, deviceId: '', windowStart: 0, minutes: [], values: [] };
    const value = encoder.encode('FleetReport', request);
    for (let partition = 0; partition < partitions; partition++) emitter.emit(DETECT_OUTPUTS.fleetReports, null, value, 0, partition);
  }
}
