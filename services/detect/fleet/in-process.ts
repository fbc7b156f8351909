/**
 * The exchange within one process, for hosts that have all partitions of detect at hand: embedded, replay, evaluation.
 * Nothing runs ahead of anything else here, so instead of watermarks there is a barrier: before the event that makes an
 * hour complete is shown to anybody, all partitions report, and all hear the answer.
 */
import type { EnrichedEvent, SuspiciousSession } from '#schemas/records.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import type { DetectConfig } from '../config.ts';
import { advanceWatermark, newWatermark, watermarkOf } from '../steps/watermark.ts';
import type { DetectPipeline } from '../topology.ts';
import { Exchange, type ExchangeStats } from './exchange.ts';
import { hourOf } from './minutes.ts';

export interface FleetHost {
  /**
   * One batch in order of arrival; `arrivalKnown`: ingest has held every time against its arrival, so that one device is
   * enough to say how late it is; otherwise it takes three.
   */
  process(events: readonly EnrichedEvent[], arrivalKnown: boolean): SuspiciousSession[];
  /** End of the input: fires every timer. */
  flush(): SuspiciousSession[];
  stats(): ExchangeStats;
}

/** `split`: the events of each partition, in their order. */
export function createFleetHost(config: DetectConfig, detects: readonly DetectPipeline[], split: (events: readonly EnrichedEvent[]) => readonly (readonly EnrichedEvent[])[]): FleetHost {
  const exchange = new Exchange({ config, state: createMemoryState() });
  const behindMs = config.idleCloseMs + config.fleet.graceMs;
  const devices = newWatermark();
  let front = -Infinity;
  let complete = -Infinity;
  let out: SuspiciousSession[] = [];

  function show(events: readonly EnrichedEvent[]): void {
    if (events.length === 0) return;
    for (const [partition, part] of split(events).entries()) if (part.length > 0) out.push(...detects[partition]!.process(part));
  }

  function barrier(): void {
    for (const detect of detects) {
      out.push(...detect.advance(front));
      exchange.take(detect.takeReports());
    }
    complete = hourOf(front - behindMs);
    const facts = exchange.complete(complete);
    if (facts.length > 0) for (const detect of detects) detect.learn(facts);
  }

  function drained(): SuspiciousSession[] {
    const found = out;
    out = [];
    return found;
  }

  return {
    process(events, arrivalKnown) {
      if (!config.fleet.enabled) {
        show(events);
        return drained();
      }
      let shown = 0;
      for (let i = 0; i < events.length; i++) {
        const { observedAt, tenantId, deviceId } = events[i]!.event;
        if (arrivalKnown) {
          if (observedAt <= front) continue;
          front = observedAt;
        } else {
          if (!advanceWatermark(devices, `${tenantId}|${deviceId}`, observedAt) || watermarkOf(devices) <= front) continue;
          front = watermarkOf(devices);
        }
        if (hourOf(front - behindMs) <= complete) continue;
        show(events.slice(shown, i));
        shown = i;
        barrier();
      }
      show(shown === 0 ? events : events.slice(shown));
      return drained();
    },
    flush() {
      for (const detect of detects) out.push(...detect.flush());
      return drained();
    },
    stats: () => exchange.stats(),
  };
}
