import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import { addCoupling, COUPLING_SUMS, couplingEvidence, couplingOf, couplingText, foldCoupling, isUncoupled, log10Coupled, mergeCoupling, withCoupling, type Coupling } from './coupling.ts';
import { address, gapView, parameters, sighting, view } from './test-view.ts';

interface Way {
  /** Mean of what a leg before the keyboard and of what the machine behind it adds differently to each key, ms. */
  legMs?: number;
  machineMs?: number;
  /** Share of what a key that follows soon has to wait for the one before. */
  backlog?: number;
}

/** Latencies and intervals of one record. */
function typed(prng: Prng, { legMs = 0, machineMs = 2, backlog = 0 }: Way, keys = 20): { latencies: number[]; intervals: number[] } {
  const latencies: number[] = [];
  const intervals: number[] = [];
  let before = 0;
  for (let i = 0; i < keys; i++) {
    const interval = prng.logNormal(170, 0.4);
    const leg = prng.exponential(legMs);
    if (i > 0) intervals.push(Math.max(0, interval + (leg - before) / 2));
    before = leg;
    latencies.push(40 + leg + prng.exponential(machineMs) + backlog * Math.max(0, 200 - interval));
  }
  return { latencies, intervals };
}

function session(prng: Prng, way: Way, records: number, seen?: (sums: Coupling) => void): Coupling {
  const sums: Coupling = new Float64Array(COUPLING_SUMS);
  for (let i = 0; i < records; i++) {
    const minute: Coupling = new Float64Array(COUPLING_SUMS);
    const { latencies, intervals } = typed(prng, way);
    addCoupling(minute, latencies, intervals);
    foldCoupling(sums, minute);
    seen?.(sums);
  }
  return sums;
}

describe('coupling of latencies and intervals', () => {
  it('is found behind a jittery leg, and neither in a slow, jittery machine nor in one that falls behind its typist', () => {
    const prng = new Prng(1, 'coupling');
    expect(couplingEvidence(session(prng, { legMs: 15 }, 150)).log10).toBe(3);
    for (const machine of [{ machineMs: 0.5 }, { machineMs: 12 }, { machineMs: 4, backlog: 0.3 }]) {
      const evidence = couplingEvidence(session(prng, machine, 150));
      expect(evidence.log10).toBeLessThanOrEqual(0);
    }
    const behind = couplingEvidence(session(prng, { backlog: 0.3 }, 150));
    expect(behind.deviations).toBeLessThan(-3);
    expect(isUncoupled(behind)).toBe(true);
  });

  it('costs nothing where latencies hardly change from key to key, as a leg would not show there, and soon rules one out in a jittery machine', () => {
    const prng = new Prng(10, 'calm');
    const calm = couplingEvidence(session(prng, { machineMs: 0.5 }, 60));
    expect(Math.abs(calm.log10)).toBeLessThan(0.02);
    expect(isUncoupled(calm)).toBe(false);
    const jittery = couplingEvidence(session(prng, { machineMs: 12 }, 800));
    expect(jittery.log10).toBeLessThan(-0.3);
    expect(isUncoupled(jittery)).toBe(true);
  });

  it('does not change with a constant delay', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 1000 }), (delay, seed) => {
        const { latencies, intervals } = typed(new Prng(seed, 'constant'), { legMs: 3 });
        const sums = [0, delay].map((more) => {
          const coupling: Coupling = new Float64Array(COUPLING_SUMS);
          addCoupling(coupling, latencies.map((ms) => ms + more), intervals);
          return coupling;
        });
        for (let i = 0; i < COUPLING_SUMS; i++) expect(Math.abs(sums[0]![i]! - sums[1]![i]!)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('is the same in every order of records, and takes up only latencies and intervals of the same keystrokes', () => {
    const prng = new Prng(2, 'order');
    const minutes = Array.from({ length: 30 }, () => {
      const minute: Coupling = new Float64Array(COUPLING_SUMS);
      const { latencies, intervals } = typed(prng, { legMs: 5 });
      addCoupling(minute, latencies, intervals);
      addCoupling(minute, latencies.slice(1), intervals);
      return minute;
    });
    const merged = (order: readonly Coupling[]): Coupling => {
      const sums: Coupling = new Float64Array(COUPLING_SUMS);
      for (const minute of order) mergeCoupling(sums, minute);
      return sums;
    };
    expect(merged(minutes)).toEqual(merged(minutes.toReversed()));
    expect(merged(minutes)[0]).toBe(30 * 19);
  });

  it('looked at after every record, reaches ten to one on at most a tenth of honest sessions and a hundred on a hundredth', () => {
    const prng = new Prng(3, 'null');
    let [ten, hundred] = [0, 0];
    const sessions = 1000;
    for (let i = 0; i < sessions; i++) {
      let most = 0;
      session(prng, { machineMs: prng.uniform(0.5, 8) }, 60, (sums) => (most = Math.max(most, couplingEvidence(sums).log10)));
      if (most >= Math.log10(0.3 + 0.7 * 10)) ten++;
      if (most >= Math.log10(0.3 + 0.7 * 100)) hundred++;
    }
    expect(ten / sessions).toBeLessThan(0.1);
    expect(hundred / sessions).toBeLessThan(0.01);
  });

  it('says nothing of few keystrokes, at gateways, and behind what may end the transport', () => {
    const prng = new Prng(4, 'silent');
    const coupling = session(prng, { legMs: 15 }, 150);
    const log10 = (change: Parameters<typeof view>[0]): number => couplingOf(view({ coupling, ...change }), parameters).log10;
    expect(log10({})).toBe(3);
    expect(log10({ gap: gapView(40, { sensor: 'WEB_APP' }) })).toBe(3);
    expect(couplingEvidence(session(prng, { legMs: 15 }, 8)).keys).toBe(0);
    expect(log10({ coupling: null })).toBe(0);
    expect(log10({ gap: gapView(40, { sensor: 'BASTION' }) })).toBe(0);
    expect(log10({ gap: gapView(40, { sensor: 'VDI_GATEWAY' }) })).toBe(0);
    expect(log10({ gateway: { people: 5, shown: 5, gapsMs: [40] } })).toBe(0);
    expect(log10({ helpdesk: true })).toBe(0);
    expect(log10({ sighting: sighting(address('203.0.113.9', 'denver', { category: 'BUSINESS' })) })).toBe(0);
  });

  it('a calm leg adds up over the days of a device; an honest past does not hide a handover', () => {
    const prng = new Prng(6, 'days');
    const days: Coupling = new Float64Array(COUPLING_SUMS);
    for (let day = 0; day < 5; day++) foldCoupling(days, session(prng, { legMs: 5 }, 80));
    const today = session(prng, { legMs: 5 }, 20);
    expect(couplingEvidence(today).log10).toBeLessThan(1);
    expect(couplingEvidence(today, days)).toMatchObject({ log10: 3, ofDevice: true });
    expect(couplingText(couplingEvidence(today, days))).toContain('of this device in the last days');
    const honest = session(prng, { machineMs: 8 }, 600);
    const taken = session(prng, { legMs: 15 }, 200);
    foldCoupling(honest, taken);
    expect(couplingEvidence(taken, honest).log10).toBeGreaterThan(2.5);
  });

  it('is believed by as much less as devices without a gap show it too; what is not coupled stays so', () => {
    const coupled = session(new Prng(8, 'peers'), { legMs: 15 }, 150);
    const own = log10Coupled(coupled, null)!;
    const log10 = (excess: number): number => couplingOf(view({ coupling: coupled }), { ...parameters, couplings: () => ({ excess, devices: 40 }) }).log10;
    expect(own).toBeGreaterThan(6);
    expect(log10(0)).toBe(3);
    expect(log10(own - 2)).toBeCloseTo(Math.log10(0.3 + 0.7 * 100), 6);
    expect(log10(own - 1), 'less than fifty to one').toBe(0);
    expect(log10(20)).toBe(0);
    expect(couplingText(couplingEvidence(coupled, null, 2))).toContain('devices without a gap do so too: 2.0 decades are taken off');
    const machine = session(new Prng(9, 'peers'), { backlog: 0.3 }, 150);
    expect(couplingEvidence(machine, null, 5).log10).toBe(couplingEvidence(machine).log10);
    expect(log10Coupled(session(new Prng(8, 'few'), { legMs: 15 }, 8), null)).toBeNull();
  });

  it('multiplies with what there is, makes nothing of nothing, and tells what it rests on', () => {
    const evidence = couplingEvidence(session(new Prng(5, 'told'), { legMs: 15 }, 150));
    expect(withCoupling(1, evidence)).toBe(4);
    expect(withCoupling(0, evidence)).toBe(0);
    expect(withCoupling(0.2, { log10: -0.6, deviations: -1, keys: 900, ofDevice: false, excess: 0 })).toBe(0);
    expect(couplingText(evidence)).toContain('over 2,850 keystrokes latencies and intervals grow and shrink together');
    expect(couplingText({ log10: 0, deviations: 0, keys: 0, ofDevice: false, excess: 0 })).toBe('');
  });
});
