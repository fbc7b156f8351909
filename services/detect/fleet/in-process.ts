/**
 * The exchange within one process, for hosts that have all partitions of detect at hand: embedded and evaluation.
 * Nothing runs ahead of anything else here, so instead of watermarks there is a barrier: before the event that makes an
 * hour complete is shown to anybody, all partitions report, and all hear the answer.
 */
import type { SuspiciousSession } from '#schemas/records.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import type { DetectConfig } from '../config.ts';
import type { DetectEvent } from '../steps/digest.ts';
import type { DetectPipeline } from '../topology.ts';
import { Barrier } from './barrier.ts';
import { Exchange, type ExchangeStats } from './exchange.ts';

export interface FleetHost {
  /** One batch in order of arrival; `arrivalKnown`: ingest has held every time against its arrival. */
  process(events: readonly DetectEvent[], arrivalKnown: boolean): SuspiciousSession[];
  /** End of the input: fires every timer. */
  flush(): SuspiciousSession[];
  stats(): ExchangeStats;
}

/** `split`: the events of each partition, in their order. */
export function createFleetHost(config: DetectConfig, detects: readonly DetectPipeline[], split: (events: readonly DetectEvent[]) => readonly (readonly DetectEvent[])[]): FleetHost {
  const exchange = new Exchange({ config, state: createMemoryState() });
  const barrier = new Barrier(config);
  let out: SuspiciousSession[] = [];

  function show(events: readonly DetectEvent[]): void {
    if (events.length === 0) return;
    for (const [partition, part] of split(events).entries()) if (part.length > 0) out.push(...detects[partition]!.process(part));
  }

  function meet(): void {
    for (const detect of detects) {
      out.push(...detect.advance(barrier.front));
      exchange.take(detect.takeReports());
    }
    const facts = exchange.complete(barrier.complete);
    if (facts.length > 0) for (const detect of detects) detect.learn(facts);
  }

  function drained(): SuspiciousSession[] {
    const found = out;
    out = [];
    return found;
  }

  return {
    process(events, arrivalKnown) {
      let shown = 0;
      for (let i = 0; config.fleet.enabled && i < events.length; i++) {
        const { observedAt, tenantId, deviceId } = events[i]!.event;
        if (!barrier.isBefore(observedAt, arrivalKnown ? '' : `${tenantId}|${deviceId}`, arrivalKnown)) continue;
        show(events.slice(shown, i));
        shown = i;
        meet();
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
