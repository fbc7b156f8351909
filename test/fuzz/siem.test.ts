/** Arbitrary findings through the forms for the SIEM: what leaves is one record of its form, whatever the names hold. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import { formatFinding } from '#lib/siem/format.ts';
import { anyFinding, OPTIONS } from '#lib/siem/test-findings.ts';

const FUZZ_MS = Number(process.env['FUZZ_MS'] ?? 1_500);

test('OCSF, ECS and CEF', () => {
  const deadline = systemClock.monotonicMs() + FUZZ_MS;
  let rounds = 0;
  while (systemClock.monotonicMs() < deadline) {
    for (const finding of fc.sample(anyFinding, { seed: rounds, numRuns: 50 })) {
      for (const form of ['OCSF', 'ECS'] as const) {
        const text = formatFinding(form, finding, OPTIONS);
        expect(text).not.toMatch(/[\r\n]/);
        const record = JSON.parse(text) as Record<string, unknown>;
        expect(JSON.parse(JSON.stringify(record))).toEqual(record);
      }
      const line = formatFinding('CEF', finding, OPTIONS);
      expect(line).not.toMatch(/[\r\n]/);
      // Seven unescaped bars before the extension: nothing in a name can end a field of the header.
      expect(line.replaceAll(/\\[\\|]/g, '').split('|').slice(0, 7)).toHaveLength(7);
      expect(line).toMatch(/^CEF:0\|/);
    }
    rounds++;
  }
  expect(rounds).toBeGreaterThan(2);
});
