/** The null of path excess on recorded lines that queue and change their routes: how far the least round trip of some hours lies above the floor. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import { pathExcess } from '../../services/detect/model/path-excess.ts';
import { QUIET, strengthOfP } from '../../services/detect/model/reading.ts';
import { parameters, reading, transportView, view } from '../../services/detect/model/test-view.ts';
import type { TransportView } from '../../services/detect/model/view.ts';
import { foldMinute } from '../../services/detect/steps/close.ts';
import { measuredDataPresent, MEASURED_DIR } from '../simulate/measured.ts';
import { drawLine, drawRecordedLeg, lastMile } from './cases/world.ts';
import { pathOf, type Paths, type RecordedLeg, readPaths } from './recorded-paths.ts';

const present = measuredDataPresent();
if (!present) console.warn(`measured data is not at ${MEASURED_DIR}: the null of path excess was not tested`);
const MINUTE_MS = 60_000;
const LINES = 6_000;

/** The way of everybody of the region takes no more than its ⅔c floor, so that nothing but the line's own last mile and queues is granted. */
const straight = { ...parameters, ways: () => ({ networks: 30, routeMs: 0 }) };
function strengthOf(transport: TransportView): number {
  const answer = pathExcess(view({ transport }), straight);
  return answer === QUIET ? 0 : reading(answer).strength;
}

/** What a session of so many hours sees of a line, sampled every one or two minutes, or every four to eight. */
function seenOf(prng: Prng, leg: RecordedLeg, [shortest, longest]: readonly [number, number] = [2, 9]): TransportView {
  const path = pathOf(leg)(prng, 0);
  const every = prng.chance(0.5) ? [1, 2] : [4, 8];
  const until = prng.uniform(shortest, longest) * 60;
  const seen = { samples: 0, leastUs: 0, secondUs: 0, nearMinutes: 0 };
  let medians = 0;
  for (let minute = 0; minute < until; minute += prng.uniform(every[0]!, every[1]!)) {
    path.advance(minute * MINUTE_MS);
    const { min, median } = path.summary();
    foldMinute(seen, Math.round(1000 * min));
    medians += median;
  }
  const { samples, leastUs, secondUs, nearMinutes } = seen;
  const least = leastUs / 1000;
  return transportView(least, { confirmedLeastMs: secondUs / 1000, samples, spreadSamples: samples, wanderMs: medians / samples - least, nearMinutes });
}

describe.skipIf(!present && !process.env['CI'])('path excess on recorded lines', () => {
  let paths: Paths;
  let floorMs: number;
  beforeAll(() => {
    expect(present, `measured data must be at ${MEASURED_DIR} when CI is set`).toBe(true);
    paths = readPaths(undefined, 'dev');
    floorMs = reading(pathExcess(view({ transport: transportView(400) }), straight)).expected - parameters.config.network.lastMileMs;
  });

  it.each([
    { over: 'hours', stream: 'queues', hours: [2, 9] as const },
    { over: 'the first hour', stream: 'standing queues', hours: [0.2, 1] as const },
  ])('homes, over $over: no more p-values below 1%, 0.1% and 0.01% than those shares', ({ stream, hours }) => {
    const prng = new Prng(3, stream);
    const strengths = Array.from({ length: LINES }, () => strengthOf(seenOf(prng, drawRecordedLeg(prng, paths, floorMs + lastMile(prng), drawLine(prng)), hours)));
    for (const log10P of [-2, -3, -4]) {
      const expected = LINES * 10 ** log10P;
      expect(strengths.filter((strength) => strength >= strengthOfP(log10P)).length, `p < 10^${log10P}`).toBeLessThanOrEqual(expected + 2 * Math.sqrt(expected));
    }
  });

  it('a tunnel to somebody 150 ms away shows on most lines, those that queue included', () => {
    const prng = new Prng(4, 'tunnels');
    const strengths = Array.from({ length: 1000 }, () => strengthOf(seenOf(prng, drawRecordedLeg(prng, paths, floorMs + 150, drawLine(prng)))));
    expect(strengths.filter((strength) => strength >= strengthOfP(-3)).length).toBeGreaterThan(900);
  });
});
