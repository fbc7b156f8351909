/** What a task of ingest does for the alignment with the others: hears them, counts what may be written, tells them. */
import type { Emitter, RawRecord } from '#lib/runner/task.ts';
import type { TaskState } from '#lib/state/state.ts';
import { Alignment, parseIngestProgress } from './alignment.ts';
import { INGEST_OUTPUTS } from './outputs.ts';
import type { TelemetryTimes } from './steps/decode-ahead.ts';

export interface IngestPlace {
  /** The task's own number, and how many tasks there are. */
  readonly task: number;
  readonly tasks: number;
  /** Partitions of the topic of events. */
  readonly eventPartitions: number;
  /** Topic in which the tasks tell each other how far they are, one of the service's controls. */
  readonly progress: string;
}

export class AlignedTask {
  readonly alignment: Alignment;
  readonly place: IngestPlace;

  constructor(place: IngestPlace, alignMs: number, state: TaskState) {
    this.place = place;
    this.alignment = new Alignment({ alignMs, task: place.task, tasks: place.tasks, state });
  }

  /** Takes what the others tell out of a batch; answers the telemetry. */
  hear(batch: readonly RawRecord[]): readonly RawRecord[] {
    const { progress: topic } = this.place;
    if (!batch.some((record) => record.topic === topic)) return batch;
    return batch.filter((record) => {
      if (record.topic !== topic) return true;
      const progress = parseIngestProgress(record.value);
      if (progress !== null) this.alignment.hear(progress);
      return false;
    });
  }

  /** How many of the records are not too far ahead of the others. Times that no arrival vouches for move nothing and hold nothing up. */
  countOf(telemetry: readonly RawRecord[], timesOf: (record: RawRecord) => TelemetryTimes | null): number {
    for (let at = 0; at < telemetry.length; at++) {
      const times = timesOf(telemetry[at]!);
      if (times === null || times.arrivedAt === null) continue;
      // A clock that is ahead, as far as ingest lets it be, makes nobody wait.
      if (!this.alignment.meets(Math.min(times.observedAt, times.arrivedAt))) return at;
    }
    return telemetry.length;
  }

  /** While nobody waits for anybody, records are not looked at one by one. `latest`: the latest time among their events. */
  reached(telemetry: readonly RawRecord[], latest: number): void {
    let at = -Infinity;
    for (const { arrivedAt } of telemetry) at = Math.max(at, Math.min(latest, arrivedAt ?? -Infinity));
    this.alignment.meets(at);
  }

  tell(emitter: Emitter): void {
    const progress = this.alignment.news();
    if (progress === null) return;
    const { task, tasks } = this.place;
    const value = Buffer.from(JSON.stringify(progress), 'utf8');
    for (let other = 0; other < tasks; other++) if (other !== task) emitter.emit(INGEST_OUTPUTS.progress, null, value, progress.frontAt, other);
  }

  /** See Task. */
  idle(): ((emitter: Emitter) => void) | null {
    const front = this.alignment.heardFront;
    if (front <= this.alignment.front) return null;
    return (emitter) => {
      this.alignment.rest(front);
      this.tell(emitter);
    };
  }
}
