/** docs/findings.md says how a finding is recomputed: its tables and its example are the code's. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { thresholdsOf } from '#lib/siem/severity.ts';
import type { SuspiciousSession } from '#schemas/records.ts';
import { detectConfigSchema } from '../../services/detect/config.ts';
import { fuse, riskScoreOf, severityOf, STAKE } from '../../services/detect/model/fusion.ts';
import { hypothesesOf } from '../../services/detect/model/hypotheses.ts';
import { SIGNALS } from '../../services/detect/model/signals.ts';
import { LEFT_TO_FAMILIES, STORIES } from '../../services/detect/model/stories.ts';
import { EXAMPLE } from '../../tools/siem/example.ts';
import { expectedFindings, recordedHistories } from '../histories/replayed.ts';

const PAGE = readFileSync(new URL('../../docs/findings.md', import.meta.url), 'utf8');
const { fusion } = detectConfigSchema.parse({});

/** The first cells of the rows below a table's head, up to `columns` of them. */
function tableOf(head: string, columns: number): string[][] {
  const from = PAGE.indexOf(head);
  expect(from, head).toBeGreaterThan(0);
  const rows = PAGE.slice(from).split('\n\n')[0]!.split('\n').slice(2);
  return rows.map((row) => row.split('|').slice(1, 1 + columns).map((cell) => cell.trim()));
}

test('it names every signal with its family and weight', () => {
  const told = tableOf('| signal | family', 3).map(([name, ...facts]) => [name!, facts.join(' ')] as const);
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(SIGNALS.map(({ name, family, weight }) => [name, `${family} ${weight}`])));
});

test('no recorded finding has more of a signal than its bound', () => {
  const most = new Map(tableOf('| signal | family', 4).map(([name, , , bound]) => [name!, bound === '' ? Infinity : Number(bound)]));
  expect(most.get('hiddenLeg')).toBe(detectConfigSchema.parse({}).hiddenLeg.strengthMax);
  const evidence = recordedHistories().flatMap(expectedFindings).flatMap((line) => (JSON.parse(line) as SuspiciousSession).evidence);
  expect(evidence.length).toBeGreaterThan(20);
  expect(evidence.filter(({ signal, strength }) => strength > (most.get(signal) ?? Infinity) + 0.001)).toEqual([]);
});

test('it names every stake and every story', () => {
  expect(tableOf('| family | stake', 2)).toEqual(Object.entries(STAKE).map(([family, stake]) => [family, String(stake)]));
  expect(tableOf('| story |', 3)).toEqual(STORIES.map(({ signals, share, least }) => [signals.join(' + '), String(share), least === undefined ? '' : String(least)]));
  expect(LEFT_TO_FAMILIES).toBeCloseTo(0.6, 9);
});

test('it says from where on each severity begins', () => {
  expect(tableOf('| severity |', 2)).toEqual(Object.entries(thresholdsOf(fusion)).map(([severity, from]) => [severity, String(Math.round(from * 1000) / 1000)]));
  for (const setting of [fusion.growthPerWindow, fusion.decayPerWindow, fusion.familyMin]) expect(PAGE).toContain(String(setting));
});

test('its example is what the code computes', () => {
  const held = SIGNALS.map(({ name }) => (name === 'hiddenLeg' ? 4.9 : 0));
  expect(fuse(held, SIGNALS.map(() => false), fusion).strength.toFixed(2)).toBe('3.46');
  expect(PAGE).toContain('= 3.46.');
});

test('the finding that stands for all others in the documentation is one that its evidence gives', () => {
  const held = SIGNALS.map(({ name }) => EXAMPLE.evidence.find(({ signal }) => signal === name)?.strength ?? 0);
  const fused = fuse(held, SIGNALS.map(() => false), fusion);
  expect(severityOf(fused, fusion)).toBe(EXAMPLE.severity);
  expect(fused.strength).toBeCloseTo(EXAMPLE.evidenceStrength, 2);
  expect(riskScoreOf(fused.strength, EXAMPLE.severity, fusion)).toBe(EXAMPLE.riskScore);
  expect(hypothesesOf(SIGNALS, held)).toEqual(EXAMPLE.hypotheses);
});
