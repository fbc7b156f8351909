import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { PARTS_OF_WORLD, REACH } from '../../services/detect/model/reach.ts';
import { floorRttMs } from '#lib/kernel/geodesy.ts';
import { Prng } from '#lib/kernel/prng.ts';
import { fitAll, FITTED_FILE, fittedText } from './fit.ts';
import { personFigures } from './fit-typing.ts';
import { NETWORK, TYPING } from './fitted.ts';
import { measuredDataPresent, MEASURED_DIR } from './measured.ts';
import { Leg, propagationMs } from './path.ts';
import { fromTable, quantileOf, sorted } from './quantiles.ts';
import { drawProfile, Typist } from './typist.ts';

const present = measuredDataPresent();
if (!present) console.warn(`measured data is not at ${MEASURED_DIR}: the fit was not compared with it`);

describe('fitted.json', () => {
  it.skipIf(!present && !process.env['CI'])('is what npm run fit makes of the measured data', () => {
    expect(present, `measured data must be at ${MEASURED_DIR} when CI is set`).toBe(true);
    expect(readFileSync(FITTED_FILE, 'utf8')).toBe(fittedText(fitAll()));
  });

  it('has the published spread of people: median interval p1/p5/p50/p95/p99 = 90/104/168/301/405 ms', () => {
    const published = [90, 104, 168, 301, 405];
    [0.01, 0.05, 0.5, 0.95, 0.99].forEach((level, i) => {
      expect(Math.abs(fromTable(TYPING.medianMs, level) / published[i]! - 1), `p${level * 100}`).toBeLessThan(0.03);
    });
  });
});

describe('simulated typists', () => {
  // 15 sentences of 48 keys, as the people of the data typed; figures by the same code that fitted theirs.
  const figures = Array.from({ length: 1000 }, (_, i) => {
    const typist = new Typist(new Prng(8, `keys${i}`), drawProfile(new Prng(7, `person${i}`)));
    const sentences = Array.from({ length: 15 }, () => {
      typist.settle();
      const press: number[] = [];
      const release: number[] = [];
      for (let at = 0; press.length < 48; at += typist.nextInterval()) {
        press.push(at);
        release.push(at + typist.nextHold());
      }
      return { press, release };
    });
    return personFigures({ id: String(i), sentences })!;
  });
  const close = (name: 'medianMs' | 'shape' | 'holdMs', level: number, tolerance: number): void => {
    const got = quantileOf(sorted(figures.map((f) => f[name])), level);
    expect(Math.abs(got / fromTable(TYPING[name], level) - 1), `${name} p${level * 100}: ${got}`).toBeLessThan(tolerance);
  };

  it('have the medians, raggedness and holds of real people', () => {
    for (const level of [0.05, 0.25, 0.5, 0.75, 0.95]) {
      close('medianMs', level, 0.08);
      close('shape', level, 0.1);
      close('holdMs', level, 0.08);
    }
  });

  it('press the next key before releasing the last as often as real people do', () => {
    const rollover = sorted(figures.map((f) => f.rollover));
    const [, median, high] = TYPING.rollover;
    expect(Math.abs(quantileOf(rollover, 0.5) - median!)).toBeLessThan(0.05);
    expect(Math.abs(quantileOf(rollover, 0.95) - high!)).toBeLessThan(0.08);
  });

  it('sit on coarse clocks as often as real people do', () => {
    const profiles = Array.from({ length: 4000 }, (_, i) => drawProfile(new Prng(7, `grid${i}`)));
    const coarse = profiles.filter((p) => p.gridMs > 0).length / profiles.length;
    expect(Math.abs(coarse - (1 - TYPING.gridShares.none))).toBeLessThan(0.03);
  });
});

describe('simulated paths', () => {
  it('are inflated as measured cloud paths are, and never beat the floor', () => {
    for (const km of [564, 2290, 8780]) {
      const ratios = sorted(Array.from({ length: 2000 }, (_, i) => propagationMs(new Prng(i, 'path'), km) / floorRttMs(km)));
      const fitted = NETWORK.inflation.find((bin) => bin.km === km)!.quantiles;
      for (const level of [0.1, 0.5, 0.9]) {
        const exchange = 1 / floorRttMs(km);
        expect(Math.abs(quantileOf(ratios, level) - fromTable(fitted, level)), `${km} km, p${level * 100}`).toBeLessThan(0.1 + 1.5 * exchange);
      }
      expect(ratios[0]).toBeGreaterThan(1);
    }
  });

  it('queue in bursts only where they are told to, and never go below their base', () => {
    const quiet = new Leg(new Prng(1, 'quiet'), { baseMs: 40, jitterMs: 1 }, 0);
    const bursty = new Leg(new Prng(1, 'bursty'), { baseMs: 40, jitterMs: 1, burst: { everyS: 60, lastsS: 20, depthMs: 150 } }, 0);
    const worst = [0, 0];
    for (let at = 0; at < 3_600_000; at += 10_000) {
      [quiet, bursty].forEach((leg, i) => {
        leg.advance(at);
        const { min, median, p95 } = leg.summary();
        expect(min).toBeGreaterThanOrEqual(40);
        expect(median).toBeGreaterThanOrEqual(min);
        expect(p95).toBeGreaterThanOrEqual(median);
        worst[i] = Math.max(worst[i]!, median);
      });
    }
    expect(worst[0]).toBeLessThan(50);
    expect(worst[1]).toBeGreaterThan(100);
  });
});

test('the operator distance uses the fitted reach of real paths', () => {
  for (const part of PARTS_OF_WORLD) expect(REACH[part], part).toEqual(NETWORK.reach[part].map(({ rttMs, low, median, high }) => ({ rttMs, low, median, high })));
});
