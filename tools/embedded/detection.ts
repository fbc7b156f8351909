/**
 * The last stage of the chain on its own: enriched events in, findings out. The replay of one configuration after the
 * other over the same enriched stream needs no more.
 *
 * With `partitions` > 1 the people are spread over as many detect tasks as Kafka's partitioner would, so that what the
 * workers find can be compared to the byte.
 */
import { personKey } from '#lib/kernel/identity.ts';
import { partitionOf } from '#lib/log/partitioner.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import type { SuspiciousSession, TelemetryEvent } from '#schemas/records.ts';
import type { DetectConfig } from '../../services/detect/config.ts';
import type { DetectEvent } from '../../services/detect/steps/digest.ts';
import type { WindowTrace } from '../../services/detect/steps/findings.ts';
import { createFleetHost } from '../../services/detect/fleet/in-process.ts';
import { buildDetect, type DetectPipeline } from '../../services/detect/topology.ts';

export interface DetectionOptions {
  /** Default 1: one detect task. */
  readonly partitions?: number;
  /** Is told about every window of every session; for tuning. */
  readonly trace?: (trace: WindowTrace) => void;
}

export interface Detection {
  /**
   * One batch in order of arrival; batch borders do not change what is found. `arrivalKnown` (default false): ingest has
   * held every event's time against its arrival.
   */
  process(batch: readonly DetectEvent[], arrivalKnown?: boolean): SuspiciousSession[];
  /** End of the input: fires every timer. */
  flush(): SuspiciousSession[];
  /** Events that came after their window was closed, so far. */
  lateEvents(): number;
}

/** Spreads people over detect tasks; the same person always goes to the same one. */
class Router {
  readonly #partitions: number;
  /** Partition by person; bounded by being emptied, because it can always be computed again. */
  readonly #known = new Map<string, number>();
  static readonly KNOWN_MAX = 200_000;

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  split(events: readonly DetectEvent[]): readonly (readonly DetectEvent[])[] {
    if (this.#partitions === 1) return [events];
    const parts: DetectEvent[][] = Array.from({ length: this.#partitions }, () => []);
    for (const enriched of events) parts[this.#of(enriched.event)]!.push(enriched);
    return parts;
  }

  #of(event: TelemetryEvent): number {
    const person = `${event.tenantId}|${event.userId}`;
    let partition = this.#known.get(person);
    if (partition === undefined) {
      if (this.#known.size >= Router.KNOWN_MAX) this.#known.clear();
      partition = partitionOf(personKey(event), this.#partitions);
      this.#known.set(person, partition);
    }
    return partition;
  }
}

export function createDetection(config: { readonly detect: DetectConfig }, { partitions = 1, trace }: DetectionOptions = {}): Detection {
  const tasks: DetectPipeline[] = Array.from({ length: partitions }, () =>
    buildDetect({ config: config.detect, state: createMemoryState(), ...(trace !== undefined && { trace }) }),
  );
  const router = new Router(partitions);
  const fleet = createFleetHost(config.detect, tasks, (events) => router.split(events));
  return {
    process: (batch, arrivalKnown = false) => fleet.process(batch, arrivalKnown),
    flush: () => fleet.flush(),
    lateEvents: () => tasks.reduce((sum, task) => sum + task.stats().lateEvents, 0),
  };
}
