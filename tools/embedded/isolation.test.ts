/**
 * Tenants are isolated: whatever a hostile tenant sends, with another's identifiers, with clocks that are wrong and in
 * floods, the findings of the other stay the same to the byte. The one exception is what tenants agree to share.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TELEMETRY_RECORDS } from '#lib/codec/decoder.ts';
import { ndjsonRecordDecoder, toNdjson } from '#lib/codec/ndjson.ts';
import { Prng } from '#lib/kernel/prng.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import type { ReferenceRecord, SuspiciousSession, TelemetryEvent } from '#schemas/records.ts';
import { openDatabases } from '../../services/enrich/databases.ts';
import { simulateFleet } from '../simulate/fleet.ts';
import { createEmbeddedPipeline, loadEmbeddedConfig, type EmbeddedConfig } from './pipeline.ts';

const BATCH = 300;
const CLOCK_AHEAD_MS = 5 * 60_000;
const HOUR_MS = 3_600_000;
const config = loadEmbeddedConfig(null);
const databases = openDatabases(config.enrich);

interface Sent {
  event: TelemetryEvent;
  arrivedAt: number;
}

interface Traffic {
  readonly sent: readonly Sent[];
  readonly reference: readonly ReferenceRecord[];
}

/** One company's day, under the name `tenantId`. */
function trafficOf(tenantId: string, seed: number, workstations: number, piloted: number): Traffic {
  const sent: Sent[] = [];
  const reference: ReferenceRecord[] = [];
  for (const batch of simulateFleet({ seed, workstations, piloted, tenants: 1 })) {
    for (const { record, arrivedAt } of batch) {
      if (record.type === 'KeystrokeLatency' || record.type === 'Connection') sent.push({ event: { ...record, tenantId }, arrivedAt });
      else reference.push('tenantId' in record ? { ...record, tenantId } : record);
    }
  }
  return { sent, reference };
}

async function findingsOf(victim: string, traffic: Traffic, settings: EmbeddedConfig = config): Promise<string[]> {
  const found: SuspiciousSession[] = [];
  const pipeline = await createEmbeddedPipeline({
    config: settings, databases: await databases, decoder: ndjsonRecordDecoder({ names: TELEMETRY_RECORDS }), onFindings: (findings) => found.push(...findings),
  });
  pipeline.applyReference(traffic.reference);
  const records = traffic.sent
    .toSorted((a, b) => a.arrivedAt - b.arrivedAt)
    .map(({ event, arrivedAt }, i): RawRecord => ({ topic: 't', partition: 0, offset: i + 1, arrivedAt, key: null, value: Buffer.from(toNdjson(event, arrivedAt)) }));
  for (let i = 0; i < records.length; i += BATCH) await pipeline.process(records.slice(i, i + BATCH));
  pipeline.flush();
  return found
    .filter(({ tenantId }) => tenantId === victim)
    .map((finding) => JSON.stringify(finding))
    .sort();
}

interface Hostility {
  readonly seed: number;
  /** Parts in 100 of the rival's records that carry an identifier of the victim. */
  readonly stolenIds: number;
  readonly clocks: 'right' | 'ahead' | 'behind' | 'wild';
  /** Copies of each record, with event ids of their own. */
  readonly flood: number;
  /** Broken values. */
  readonly poison: boolean;
}

const SHIFT_MS: Record<Hostility['clocks'], (prng: Prng) => number> = {
  right: () => 0,
  ahead: () => CLOCK_AHEAD_MS,
  behind: (prng) => -Math.round(prng.uniform(0, 48 * HOUR_MS)),
  wild: (prng) => Math.round(prng.uniform(-400 * 24 * HOUR_MS, 400 * 24 * HOUR_MS)),
};

/** What the rival sends: its own day, made hostile by what it knows of the victim. */
function hostile(rival: string, own: Traffic, victim: Traffic, { seed, stolenIds, clocks, flood, poison }: Hostility): Sent[] {
  const prng = new Prng(seed, 'hostile');
  const sent: Sent[] = [];
  for (const { event, arrivedAt } of own.sent) {
    const model = prng.pick(victim.sent).event;
    const stolen = Object.fromEntries((['eventId', 'sessionId', 'deviceId', 'userId', 'vantageId'] as const).filter(() => prng.below(100) < stolenIds).map((name) => [name, model[name]]));
    const changed: TelemetryEvent = { ...event, ...stolen, tenantId: rival, observedAt: (prng.chance(0.5) ? arrivedAt : event.observedAt) + SHIFT_MS[clocks](prng) };
    if (poison && changed.type === 'KeystrokeLatency' && prng.chance(0.2)) changed.networkRttMs = prng.pick([-1, 1e9, Number.MAX_VALUE]);
    for (let copy = 0; copy < flood; copy++) sent.push({ event: copy === 0 ? changed : { ...changed, eventId: `${changed.eventId}-${copy}` }, arrivedAt });
  }
  return sent;
}

const hostility = fc.record({
  seed: fc.nat(10_000),
  stolenIds: fc.constantFrom(0, 50, 100),
  clocks: fc.constantFrom<Hostility['clocks']>('right', 'ahead', 'behind', 'wild'),
  flood: fc.integer({ min: 1, max: 3 }),
  poison: fc.boolean(),
});

test('no event of one tenant changes a finding of another', async () => {
  const victim = trafficOf('acme', 5, 8, 4);
  const alone = await findingsOf('acme', victim);
  expect(alone.length).toBeGreaterThan(5);
  const own = trafficOf('rival', 77, 6, 3);
  await fc.assert(
    fc.asyncProperty(hostility, async (how) => {
      const together = { sent: [...victim.sent, ...hostile('rival', own, victim, how)], reference: [...victim.reference, ...own.reference] };
      expect(await findingsOf('acme', together)).toEqual(alone);
    }),
    { numRuns: 8, examples: [[{ seed: 1, stolenIds: 100, clocks: 'ahead', flood: 2, poison: true }], [{ seed: 2, stolenIds: 100, clocks: 'wild', flood: 1, poison: false }]] },
  );
});

test("a tenant cannot name another's people by a bar in its names", async () => {
  // acme + x|user and acme|x + user would be one key.
  const { sent, reference } = trafficOf('acme', 5, 4, 2);
  const barred = <T extends { userId: string }>(of: T): T => ({ ...of, userId: `x|${of.userId}` });
  const victim = {
    sent: sent.map(({ event, arrivedAt }) => ({ arrivedAt, event: barred(event) })),
    reference: reference.map((record) => (record.type === 'DeviceAssignment' ? barred(record) : record)),
  };
  const alone = await findingsOf('acme', victim);
  expect(alone.length).toBeGreaterThan(2);
  const rival = sent.map(({ event, arrivedAt }) => ({ arrivedAt, event: { ...event, eventId: `r${event.eventId}`, tenantId: 'acme|x', observedAt: event.observedAt + CLOCK_AHEAD_MS } }));
  expect(await findingsOf('acme', { ...victim, sent: [...victim.sent, ...rival] })).toEqual(alone);
  const within = rival.map(({ event, arrivedAt }) => ({ arrivedAt, event: barred({ ...event, tenantId: 'acme' }) }));
  expect(await findingsOf('acme', { ...victim, sent: [...victim.sent, ...within] }), 'the same events of the own tenant do change something').not.toEqual(alone);
});

test('what tenants agree to share, and only that, goes from one to the other', async () => {
  const victim = trafficOf('acme', 5, 8, 4);
  const own = trafficOf('rival', 77, 6, 3);
  // The rival's people sit behind the addresses of the victim's.
  const addresses = victim.sent.flatMap(({ event }) => (event.type === 'Connection' ? [event.sourceIp] : []));
  const prng = new Prng(3, 'shared');
  const shared = own.sent.map(({ event, arrivedAt }) => ({ arrivedAt, event: event.type === 'Connection' ? { ...event, sourceIp: prng.pick(addresses) } : event }));
  const together = { sent: [...victim.sent, ...shared], reference: [...victim.reference, ...own.reference] };
  const alone = await findingsOf('acme', victim);
  expect(await findingsOf('acme', together), 'nobody has agreed').toEqual(alone);
  const agreed = (...tenants: string[]): EmbeddedConfig => ({ ...config, detect: { ...config.detect, fleet: { ...config.detect.fleet, shareTenants: tenants } } });
  const other = (findings: readonly string[]) => findings.map((text) => ({ ...(JSON.parse(text) as SuspiciousSession), rules: null }));
  const one = agreed('rival');
  expect(other(await findingsOf('acme', together, one)), 'only the other has').toEqual(other(alone));
});
