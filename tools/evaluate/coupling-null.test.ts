/** The null of the coupling on honest people who type at their own keyboard, while machines and lines of the evaluation delay what comes after. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import { addCoupling, COUPLING_SUMS, couplingEvidence, foldCoupling, type Coupling } from '../../services/detect/model/coupling.ts';
import { measuredDataPresent, MEASURED_DIR } from '../simulate/measured.ts';
import { heavyMachine, machineOf, ordinaryMachine, slowMachine } from './machines.ts';
import { gridOf, keysOf, readPeople, type RecordedPerson } from './recorded-typing.ts';

const present = measuredDataPresent();
if (!present) console.warn(`measured data is not at ${MEASURED_DIR}: the null of the coupling was not tested`);
const MACHINES = [ordinaryMachine, slowMachine, heavyMachine] as const;
const RECORDS = 120;
const RECORD_MS = 10_000;

/** Greatest evidence that an honest session ever shows, looked at after each record. */
function mostOf(person: RecordedPerson, prng: Prng, model: (typeof MACHINES)[number]): number {
  const keys = keysOf(person)(prng);
  const machine = machineOf(model(prng))(prng, 0);
  const grid = gridOf(person);
  const sums: Coupling = new Float64Array(COUPLING_SUMS);
  let most = -Infinity;
  for (let record = 0; record < RECORDS; record++) {
    keys.settle();
    machine.advance(record * RECORD_MS);
    const latencies: number[] = [];
    const intervals: number[] = [];
    for (let t = 0, before = -1; t < RECORD_MS; t += keys.nextInterval()) {
      const seen = grid === 0 ? t : Math.ceil(t / grid) * grid;
      if (before >= 0) intervals.push(seen - before);
      before = seen;
      // A packet in 300 is sent again.
      latencies.push(40 + prng.exponential(1.5) + machine.delay() + (prng.chance(1 / 300) ? 200 : 0));
    }
    const minute: Coupling = new Float64Array(COUPLING_SUMS);
    addCoupling(minute, latencies, intervals);
    foldCoupling(sums, minute);
    most = Math.max(most, couplingEvidence(sums).log10);
  }
  return most;
}

describe.skipIf(!present && !process.env['CI'])('on measured honest typing', () => {
  let people: RecordedPerson[] = [];
  beforeAll(() => {
    expect(present, `measured data must be at ${MEASURED_DIR} when CI is set`).toBe(true);
    people = readPeople();
  });

  it('reaches ten to one on at most a tenth of sessions, a hundred to one on a hundredth', () => {
    const prng = new Prng(1, 'coupling-null');
    const most = people.map((person, i) => mostOf(person, prng, MACHINES[i % MACHINES.length]!));
    const share = (odds: number): number => most.filter((log10) => log10 >= Math.log10(0.3 + 0.7 * odds)).length / most.length;
    expect(most.length).toBeGreaterThan(1000);
    expect(share(10)).toBeLessThan(0.1);
    expect(share(100)).toBeLessThan(0.01);
  });
});
