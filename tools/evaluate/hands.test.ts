/** What is known of people's hands: fitted to half of the measured people, and held against the other half. */
import { beforeAll, describe, expect, it } from 'vitest';
import { HANDS } from '../../services/detect/model/hands-fitted.ts';
import { handsOf, likeness, likenessToMiddle } from '../../services/detect/model/hands.ts';
import { calibrate, fitModel, ratiosOf, sittingsOf } from './hands-fit.ts';
import { measuredDataPresent, MEASURED_DIR } from '../simulate/measured.ts';

const present = measuredDataPresent();
if (!present) console.warn(`measured data is not at ${MEASURED_DIR}: the likeness of hands was not tested`);

describe.skipIf(!present && !process.env['CI'])('hands of measured people', () => {
  beforeAll(() => expect(present, `measured data must be at ${MEASURED_DIR} when CI is set`).toBe(true));

  it('are what the fit makes of the development half', () => {
    const dev = sittingsOf('dev');
    const { mean, within, between } = HANDS;
    expect(fitModel(dev)).toEqual({ mean, within, between });
    expect(calibrate(ratiosOf(dev))).toEqual({ slope: HANDS.slope, offset: HANDS.offset });
  });

  it('of strangers of the other half: the mean ratio is at most 1, and at most one in t pairs reaches t', () => {
    const { own, strangers } = ratiosOf(sittingsOf('test'), likeness);
    expect(strangers.length).toBeGreaterThan(300_000);
    expect(strangers.reduce((sum, value) => sum + 10 ** value, 0) / strangers.length).toBeLessThanOrEqual(1);
    for (const decades of [1, 1.5, 2, 2.5, 3]) expect(strangers.filter((value) => value >= decades).length / strangers.length, `${decades}`).toBeLessThanOrEqual(10 ** -decades);
    // And it finds: half of the people reach 100 with one half of their sentences against the other.
    expect(own.filter((value) => value >= 2).length / own.length).toBeGreaterThan(0.45);
  });

  it('of strangers and the middle of several sittings: the mean ratio is at most 1 as well, and their own is more', () => {
    const all = sittingsOf('dev');
    const people = [...new Map(all.map((sitting) => [sitting.id, all.filter(({ id }) => id === sitting.id)])).values()].filter((plays) => plays.length === 3);
    const typed = people.map((plays) => handsOf(plays[2]!.second));
    const own = { one: 0, middle: 0 };
    let [sum, count] = [0, 0];
    const reached = new Map([1, 1.5, 2, 2.5, 3].map((decades) => [decades, 0]));
    people.forEach(([a, b, c], i) => {
      // Other sentences than those that are compared with them.
      const sittings = [a!.first, b!.first, c!.first];
      own.one += likeness(typed[i]!, handsOf(a!.first)) / people.length;
      own.middle += likenessToMiddle(typed[i]!, sittings) / people.length;
      typed.forEach((hands, j) => {
        if (i === j) return;
        const value = likenessToMiddle(hands, sittings);
        sum += 10 ** value;
        count++;
        for (const [decades, n] of reached) if (value >= decades) reached.set(decades, n + 1);
      });
    });
    expect(sum / count).toBeLessThanOrEqual(1);
    for (const [decades, n] of reached) expect(n / count, `${decades}`).toBeLessThanOrEqual(10 ** -decades);
    expect(own.middle).toBeGreaterThan(own.one);
  });
});
