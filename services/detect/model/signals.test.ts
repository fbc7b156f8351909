import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_DATA } from './reading.ts';
import { SIGNALS } from './signals.ts';
import { gapView, parameters, sighting, transportView, view } from './test-view.ts';

const categories = ['RESIDENTIAL', 'BUSINESS', 'HOSTING', 'VPN', 'TOR', 'MOBILE'] as const;
const views = fc.record({
  sighting: fc.option(fc.constantFrom(...categories).map((category) => sighting(undefined, { category }))),
  transport: fc.option(fc.double({ min: 1, max: 900, noNaN: true }).map((ms) => transportView(ms))),
  sensor: fc.constantFrom(null, 'ENDPOINT_AGENT' as const, 'VDI_GATEWAY' as const),
  declaredAt: fc.constantFrom('denver' as const, 'warsaw' as const),
  helpdesk: fc.boolean(),
  gap: fc.option(fc.double({ min: 0, max: 900, noNaN: true }).map((ms) => gapView(ms))),
});

test('a signal that cannot do without something has no data where it is not there', () => {
  fc.assert(
    fc.property(views, (change) => {
      const silent = view({ ...change, gap: null, rhythm: null, hours: null });
      const alone = view({ ...change, fleet: null });
      for (const { name, needs, evaluate } of SIGNALS) {
        if (needs === 'typing') expect(evaluate(silent, parameters), name).toBe(NO_DATA);
        if (needs === 'exchange') expect(evaluate(alone, parameters), name).toBe(NO_DATA);
      }
    }),
  );
});
