/**
 * What a person does changes nothing for the others: an honest session more or less leaves every signal of everybody else as
 * it was, to the bit, window by window. The exceptions are what people are compared by on purpose: the fleet's signals,
 * one typist on several identities, and what an honest gap is where that is learnt from others (the hidden leg). No gateway
 * is learnt in this fleet: behind one the signals of the network and rises of the gap would know of the others as well.
 */
import { expect, test } from 'vitest';
import { TELEMETRY_RECORDS } from '#lib/codec/decoder.ts';
import { ndjsonRecordDecoder, toNdjson } from '#lib/codec/ndjson.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import type { EnrichedEvent, ReferenceRecord } from '#schemas/records.ts';
import { SIGNALS } from '../../services/detect/model/signals.ts';
import type { DetectConfig } from '../../services/detect/config.ts';
import { simulateFleet } from '../simulate/fleet.ts';
import { createDetection } from './detection.ts';
import { createEmbeddedPipeline, loadEmbeddedConfig } from './pipeline.ts';

const config = loadEmbeddedConfig(null);
const fleet = simulateFleet({ seed: 11, workstations: 24, piloted: 6, tenants: 1 });
/** Learnt from people who have something in common; so is what an honest gap is. */
const COMPARED = SIGNALS.flatMap(({ name, family }, i) => (family === 'fleet' || ['sharedTypist', 'hiddenLeg'].includes(name) ? [i] : []));

async function enrichedFleet(): Promise<EnrichedEvent[][]> {
  const batches: EnrichedEvent[][] = [];
  const pipeline = await createEmbeddedPipeline({ config, decoder: ndjsonRecordDecoder({ names: TELEMETRY_RECORDS }), detection: false, onEnriched: (events) => batches.push([...events]) });
  let offset = 0;
  for (const batch of fleet) {
    const reference: ReferenceRecord[] = [];
    const telemetry: RawRecord[] = [];
    for (const { record, arrivedAt } of batch) {
      if (record.type !== 'KeystrokeLatency' && record.type !== 'Connection') reference.push(record);
      else telemetry.push({ topic: 't', partition: 0, offset: offset++, arrivedAt, key: null, value: Buffer.from(toNdjson(record, arrivedAt)) });
    }
    pipeline.applyReference(reference);
    await pipeline.process(telemetry);
  }
  return batches;
}

/** What every signal holds at the end of every window, by session and time, without the person `left`. */
function heldBy(batches: readonly (readonly EnrichedEvent[])[], left: string, exchange: boolean): Map<string, readonly number[]> {
  const held = new Map<string, readonly number[]>();
  const detect: DetectConfig = { ...config.detect, fleet: { ...config.detect.fleet, enabled: exchange } };
  const detection = createDetection({ detect }, { trace: ({ userId, sessionId, at, held: now }) => void (userId !== left && held.set(`${sessionId}@${at}`, now)) });
  for (const batch of batches) detection.process(batch.filter(({ event }) => event.userId !== left), true);
  detection.flush();
  return held;
}

test('an honest session more leaves the signals of everybody else as they were', async () => {
  const batches = await enrichedFleet();
  const remote = new Set(fleet.labels.flatMap((label) => (label.remote ? [label.sessionId] : [])));
  const everybody = new Map(batches.flat().map(({ event }) => [event.userId, remote.has(event.sessionId)]));
  const honest = [...everybody].flatMap(([userId, piloted]) => (piloted ? [] : [userId]));
  expect(honest.length).toBeGreaterThan(10);
  for (const exchange of [false, true]) {
    const all = heldBy(batches, '', exchange);
    expect([...all.values()].some((held) => held.some((strength) => strength > 1))).toBe(true);
    for (const userId of honest.slice(0, 3)) {
      const others = heldBy(batches, userId, exchange);
      expect(others.size).toBeGreaterThan(1_000);
      const told = (held: readonly number[] | undefined): string => String(held?.filter((_, signal) => !exchange || !COMPARED.includes(signal)));
      expect([...others].filter(([window, held]) => told(held) !== told(all.get(window)))).toEqual([]);
    }
  }
});
