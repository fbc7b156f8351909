import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { FarhandError } from '#lib/kernel/errors.ts';
import { floorRttMs, greatCircleKm } from '#lib/kernel/geodesy.ts';
import type { ReferenceStore } from '#lib/reference/port.ts';
import type { Connection, EnrichedConnection, EnrichedEvent, NetworkPolicy, TelemetryEvent } from '#schemas/records.ts';
import { enrichConfigSchema } from './config.ts';
import { openDatabases, type Databases } from './databases.ts';
import { AT, FRANKFURT, NEW_YORK, connection, keystrokes, referenceWith } from './test-records.ts';
import { buildEnrich } from './topology.ts';

const config = enrichConfigSchema.parse({});
let databases: Databases;
beforeAll(async () => {
  databases = await openDatabases(config);
});

const policy = (cidr: string, change: Partial<NetworkPolicy> = {}): NetworkPolicy => ({
  type: 'NetworkPolicy',
  tenantId: 'acme',
  cidr,
  kind: 'CORPORATE_EGRESS',
  latitude: null,
  longitude: null,
  note: null,
  validTo: null,
  ...change,
});

function enrich(batch: TelemetryEvent[], reference: ReferenceStore = referenceWith()): EnrichedEvent[] {
  const result = buildEnrich({ config, databases, reference }).process(batch);
  if (result instanceof Promise) throw new Error('the memory store is synchronous');
  return result;
}

const network = (change: Partial<Connection>, reference?: ReferenceStore) => (enrich([connection(change)], reference)[0] as EnrichedConnection).network;

describe('what an event gains', () => {
  test('keystrokes gain their context', () => {
    const event = keystrokes();
    expect(enrich([event])).toEqual([
      {
        type: 'EnrichedKeystrokes',
        event,
        context: { assignment: expect.objectContaining({ deviceId: 'd-1' }), vantage: expect.objectContaining({ vantageId: 'fra' }), feedback: null },
      },
    ]);
  });

  test('a connection gains its source, distances and floors', () => {
    const facts = network({});
    expect(facts.source).toMatchObject({ ip: '134.93.178.2', country: 'DE', city: 'Mainz', category: 'EDUCATION', policy: null });
    const mainz = facts.source as { latitude: number; longitude: number };
    const km = greatCircleKm(FRANKFURT.latitude, FRANKFURT.longitude, mainz.latitude, mainz.longitude);
    expect(km).toBeGreaterThan(20);
    expect(km).toBeLessThan(50);
    expect(facts.sourceDistanceKm).toBe(km);
    expect(facts.sourceFloorRttMs).toBe(floorRttMs(km));
    expect(facts.declaredDistanceKm).toBeCloseTo(6_200, -2);
    expect(facts.sourceToDeclaredKm).toBe(greatCircleKm(mainz.latitude, mainz.longitude, NEW_YORK.latitude, NEW_YORK.longitude));
    expect(facts.databases).toEqual(databases.current.versions);
    expect(facts.databases).toHaveLength(4);
  });

  test('an unknown device, an unknown vantage: enriched as unknown, never dropped', () => {
    const [keys, conn] = enrich([keystrokes({ deviceId: 'nobody' }), connection({ deviceId: 'nobody', vantageId: 'nowhere' })]);
    expect(keys!.context.assignment).toBeNull();
    expect(conn!.context).toEqual({ assignment: null, vantage: null, feedback: null });
    const facts = (conn as EnrichedConnection).network;
    expect(facts).toMatchObject({ sourceDistanceKm: null, sourceFloorRttMs: null, declaredDistanceKm: null, sourceToDeclaredKm: null });
    expect(facts.source.city).toBe('Mainz');
    expect(facts.route).toEqual([{ distanceKm: null, floorRttMs: null, rttStepMs: 27, toIp: '134.93.178.2' }]);
  });

  test('forwarded addresses, hops and remote peers keep their order and their gaps', () => {
    const facts = network({
      forwardedFor: ['10.0.0.5', '8.8.8.8'],
      hops: [
        { ttl: 1, ip: '192.168.0.1', rttMs: 0.4 },
        { ttl: 2, ip: null, rttMs: null },
        { ttl: 3, ip: '100.64.3.3', rttMs: 4 },
      ],
      remoteTools: [
        { name: 'AnyDesk', peerIp: null, active: true },
        { name: 'TeamViewer', peerIp: '1.1.1.1', active: true },
      ],
    });
    expect(facts.forwardedFor.map(({ ip, scope }) => `${ip} ${scope}`)).toEqual(['10.0.0.5 PRIVATE', '8.8.8.8 PUBLIC']);
    expect(facts.hops.map((hop) => hop?.scope ?? null)).toEqual(['PRIVATE', null, 'CGNAT']);
    expect(facts.remotePeers.map((peer) => peer?.category ?? null)).toEqual([null, 'HOSTING']);
  });

  test('a mapped source is the IPv4 that it is; one that is no address is a bogon', () => {
    expect(network({ sourceIp: '::ffff:134.93.178.2' }).source).toEqual(network({}).source);
    expect(network({ sourceIp: 'rubbish' }).source).toMatchObject({ ip: 'rubbish', scope: 'BOGON', categoryReason: 'scope:bogon' });
  });
});

describe('network policy', () => {
  test('the most specific policy of the event’s own tenant', () => {
    const reference = referenceWith(policy('134.0.0.0/8', { kind: 'BLOCKED' }), policy('134.93.0.0/16'), policy('8.0.0.0/8', { tenantId: 'other' }));
    expect(network({ forwardedFor: ['8.8.8.8'] }, reference)).toMatchObject({
      source: { policy: { kind: 'CORPORATE_EGRESS', cidr: '134.93.0.0/16', latitude: null, longitude: null } },
      forwardedFor: [{ policy: null }],
    });
    const other = network({ tenantId: 'other', forwardedFor: ['8.8.8.8'] }, reference);
    expect([other.source.policy, other.forwardedFor[0]!.policy?.cidr]).toEqual([null, '8.0.0.0/8']);
  });

  test('a policy on private addresses counts, and its place is where they are', () => {
    const reference = referenceWith(policy('10.0.0.0/8', NEW_YORK));
    const facts = network({ sourceIp: '10.1.2.3' }, reference);
    expect(facts.source).toMatchObject({ scope: 'PRIVATE', latitude: null, policy: { cidr: '10.0.0.0/8', ...NEW_YORK } });
    expect(facts.sourceDistanceKm).toBe(greatCircleKm(FRANKFURT.latitude, FRANKFURT.longitude, NEW_YORK.latitude, NEW_YORK.longitude));
    expect(facts.sourceToDeclaredKm).toBe(0);
  });

  test('a policy that comes while events run holds from the next batch', () => {
    const reference = referenceWith();
    const pipeline = buildEnrich({ config, databases, reference });
    const kindNow = () => ((pipeline.process([connection()]) as EnrichedConnection[])[0]!.network.source.policy?.kind ?? null);
    expect(kindNow()).toBeNull();
    reference.apply([policy('134.93.0.0/16')]);
    expect(kindNow()).toBe('CORPORATE_EGRESS');
    reference.apply([policy('134.93.0.0/16', { kind: 'BLOCKED' })]);
    expect(kindNow()).toBe('BLOCKED');
  });

  test('the cache of policies is bounded and never changes an answer', () => {
    const reference = referenceWith(policy('9.0.0.0/9'));
    const small = buildEnrich({ config: { policyCacheEntriesMax: 4 }, databases, reference });
    const ips = Array.from({ length: 200 }, (_, i) => `9.${(i * 37) % 256}.0.1`);
    const seen = small.process(ips.map((sourceIp) => connection({ sourceIp }))) as EnrichedConnection[];
    seen.forEach(({ network: { source } }, i) => expect(source.policy?.cidr ?? null).toBe((i * 37) % 256 < 128 ? '9.0.0.0/9' : null));
  });
});

describe('databases', () => {
  test('a reload in the middle of a batch does not split it', async () => {
    let asked = 0;
    const books = [databases.current, (await openDatabases({ ...config, overrides: [{ cidr: '134.93.0.0/16', category: 'VPN' }] })).current];
    const swapping: Pick<Databases, 'current'> = {
      get current() {
        return books[asked++ % 2]!;
      },
    };
    const pipeline = buildEnrich({ config, databases: swapping, reference: referenceWith(policy('134.93.0.0/16')) });
    const categories = () => new Set((pipeline.process([connection(), connection(), connection()]) as EnrichedConnection[]).map(({ network: { source } }) => source.category));
    expect([...categories()]).toEqual(['EDUCATION']);
    expect([...categories()]).toEqual(['VPN']); // and no fact of the older book survives in the policy cache
    expect([...categories()]).toEqual(['EDUCATION']);
  });
});

describe('a reference store that must be waited for', () => {
  const slow = (lookupFails = false, policiesFail = false): ReferenceStore => {
    const memory = referenceWith(policy('134.93.0.0/16'));
    const away = () => Promise.reject(new FarhandError('FARHAND_REFERENCE_UNAVAILABLE', 'away'));
    return {
      lookup: (requests) => (lookupFails ? away() : Promise.resolve(memory.lookup(requests))),
      policies: (tenantId, at) => (policiesFail ? away() : Promise.resolve(memory.policies(tenantId, at))),
      apply: () => undefined,
      forget: () => 0,
    };
  };
  const batch = [keystrokes(), connection(), connection({ tenantId: 'other' })];

  test('gives the same as one that answers at once', async () => {
    const waited = await buildEnrich({ config, databases, reference: slow() }).process(batch);
    expect(waited).toEqual(enrich(batch, referenceWith(policy('134.93.0.0/16'))));
  });

  test.each([
    [true, false],
    [false, true],
    [true, true],
  ])('away (lookup %s, policies %s): the retriable error comes through, and the same batch can be given again', async (lookupFails, policiesFail) => {
    await expect(buildEnrich({ config, databases, reference: slow(lookupFails, policiesFail) }).process(batch)).rejects.toMatchObject({
      code: 'FARHAND_REFERENCE_UNAVAILABLE',
      retriable: true,
    });
  });

  test('a store that answers too little breaks an invariant instead of mislabelling', () => {
    const short: ReferenceStore = { ...slow(), lookup: () => [], policies: (tenantId, at) => referenceWith().policies(tenantId, at) };
    expect(() => buildEnrich({ config, databases, reference: short }).process(batch)).toThrow(expect.objectContaining({ code: 'FARHAND_INVARIANT' }));
  });
});

test('whatever the batch: as many events out as in, in the same order, themselves untouched', () => {
  const ip = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('10.0.0.1', '::1', 'x', ''));
  const rtt = fc.option(fc.double({ min: 0, max: 1000, noNaN: true }));
  const event = fc.oneof(
    fc.record({ eventId: fc.uuid(), tenantId: fc.constantFrom('acme', 'other'), deviceId: fc.constantFrom('d-1', 'd-2') }).map(keystrokes),
    fc
      .record({
        eventId: fc.uuid(),
        tenantId: fc.constantFrom('acme', 'other'),
        sourceIp: ip,
        rttMinMs: rtt,
        forwardedFor: fc.array(ip, { maxLength: 4 }),
        hops: fc.array(fc.record({ ttl: fc.integer({ min: 0, max: 40 }), ip: fc.option(ip), rttMs: rtt }), { maxLength: 6 }),
        remoteTools: fc.array(fc.record({ name: fc.string(), peerIp: fc.option(ip), active: fc.boolean() }), { maxLength: 2 }),
      })
      .map(connection),
  );
  const pipeline = buildEnrich({ config, databases, reference: referenceWith(policy('0.0.0.0/2')) });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), (batch) => {
      const before = structuredClone(batch);
      const enriched = pipeline.process(batch) as EnrichedEvent[];
      expect(enriched.map((one) => one.event)).toEqual(before);
      enriched.forEach((one, i) => {
        expect(one.event).toBe(batch[i]);
        if (one.type !== 'EnrichedConnection') return;
        const { route, hops, forwardedFor, remotePeers } = one.network;
        expect([hops.length, forwardedFor.length, remotePeers.length]).toEqual([one.event.hops.length, one.event.forwardedFor.length, one.event.remoteTools.length]);
        expect(route).toHaveLength(hops.filter((hop) => hop !== null).length + 1 + forwardedFor.length);
      });
      expect(pipeline.process(batch)).toEqual(enriched);
    }),
    { numRuns: 60 },
  );
});

test('speed: a repeated connection costs a few microseconds', () => {
  const reference = referenceWith(policy('134.93.0.0/16'));
  const pipeline = buildEnrich({ config, databases, reference });
  const hops = Array.from({ length: 10 }, (_, i) => ({ ttl: i + 1, ip: i % 4 === 3 ? null : `12.${i}.3.1`, rttMs: i * 3 }));
  const cases = { keystrokes: keystrokes(), connection: connection(), 'connection with 10 hops': connection({ hops }) };
  for (const [name, event] of Object.entries(cases)) {
    const batch = Array.from({ length: 1_000 }, (_, i) => ({ ...event, eventId: `e-${i}`, observedAt: AT + i }));
    for (let i = 0; i < 20; i++) void pipeline.process(batch);
    const before = process.cpuUsage(); // processor time: the wall clock measures the neighbours of the test, too
    for (let i = 0; i < 100; i++) void pipeline.process(batch);
    const { user, system } = process.cpuUsage(before);
    const microseconds = (user + system) / 100_000;
    console.log(`${name}: ${microseconds.toFixed(2)} µs, ${Math.round(1e6 / microseconds).toLocaleString('en')} events/s`);
    expect(microseconds).toBeLessThan(50); // ten times what a busy machine needs; a lost cache costs more
  }
});
