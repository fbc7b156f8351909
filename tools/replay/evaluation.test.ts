import { expect, it } from 'vitest';
import type { Severity, SuspiciousSession } from '#schemas/records.ts';
import { areaUnderRoc, curveOf } from './evaluation-curve.ts';
import { median } from './evaluation-figures.ts';
import { Evaluator } from './evaluation.ts';
import { readLabels, sessionKey, type SessionLabel } from './labels.ts';
import { AT, keystrokes, temporaryDirectory, write } from './test-history.ts';

const label = (sessionId: string, remote: boolean, kind: string, startsAt: number | null = null): SessionLabel => ({ tenantId: 'acme', sessionId, remote, kind, startsAt });
const finding = (sessionId: string, findingId: string, severity: Severity, detectedAt: number) =>
  ({ tenantId: 'acme', sessionId, findingId, severity, detectedAt, evidenceStrength: 2 }) as SuspiciousSession;

function evaluator(labels: readonly SessionLabel[]): Evaluator {
  return new Evaluator(new Map(labels.map((each) => [sessionKey(each), each])));
}

it('counts sessions by severity and findings by session-day', () => {
  const evaluate = evaluator([
    label('r1', true, 'proxy', AT), label('r2', true, 'proxy'), label('r3', true, 'kvm'), label('h1', false, 'office'), label('h2', false, 'vpn'), label('gone', true, 'proxy'),
  ]);
  const day = 24 * 3_600_000;
  evaluate.events(['r1', 'r2', 'r3', 'h1', 'h2'].map((sessionId) => keystrokes({ sessionId })));
  evaluate.events([keystrokes({ sessionId: 'h1', observedAt: AT + day }), keystrokes({ sessionId: 'h1', observedAt: AT + day + 1 }), keystrokes({ sessionId: 'unlabelled' })]);
  evaluate.findings([finding('r1', 'f1', 'LOW', AT + 1000), finding('r1', 'f1', 'HIGH', AT + 5000), finding('r2', 'f2', 'MEDIUM', AT + 3000)]);
  evaluate.findings([finding('h1', 'f3', 'LOW', AT), finding('h1', 'f4', 'MEDIUM', AT), finding('unlabelled', 'f5', 'LOW', AT)]);
  const result = evaluate.result();
  expect(result).toMatchObject({ truePositives: 2, falseNegatives: 1, falsePositives: 1, trueNegatives: 1, recall: 2 / 3, precision: 2 / 3 });
  expect(result).toMatchObject({ falseFindings: 2, falseFindingsPer1000SessionDays: 2000 / 3, medianTimeToDetectMs: 2000 });
  expect(result.byLeastSeverity.MEDIUM).toMatchObject({ truePositives: 2, falsePositives: 1, falseFindings: 1, medianTimeToDetectMs: 4000 });
  expect(result.byLeastSeverity.HIGH).toMatchObject({ truePositives: 1, falsePositives: 0, precision: 1, recall: 1 / 3, falseFindings: 0 });
  expect(result.byLeastSeverity.CRITICAL).toMatchObject({ truePositives: 0, precision: null, recall: 0, medianTimeToDetectMs: null });
  expect(result.sessions).toEqual({ labelled: 6, withoutEvents: 1, remote: 3, honest: 2, honestSessionDays: 3, unlabelledFindings: 1 });
  expect(result.byKind.map(({ kind, sessions, found }) => [kind, sessions, found.LOW, found.HIGH])).toEqual([['kvm', 1, 0, 0], ['proxy', 2, 2, 1], ['office', 1, 1, 0], ['vpn', 1, 0, 0]]);
});

it('gives each figure its interval', () => {
  const evaluate = evaluator([label('r1', true, 'proxy', AT), label('r2', true, 'proxy'), label('h1', false, 'office'), label('h2', false, 'office')]);
  evaluate.events(['r1', 'r2', 'h1', 'h2'].map((sessionId) => keystrokes({ sessionId })));
  evaluate.findings([finding('r1', 'f1', 'LOW', AT), finding('h1', 'f3', 'LOW', AT)]);
  const { recallInterval, precisionInterval, falseFindingsInterval } = evaluate.result();
  // Wilson for 1 of 2, and Garwood for 1 event in 2 session-days.
  for (const interval of [recallInterval, precisionInterval]) expect(interval!.lower).toBeCloseTo(0.0945, 3);
  expect(falseFindingsInterval!.lower).toBeCloseTo(500 * 0.0253178, 3);
  expect(falseFindingsInterval!.upper).toBeCloseTo(500 * 5.571643, 1);
});

it('is the same when workers share the sessions, or the events, between them', () => {
  const labels = ['a', 'b', 'c', 'd'].map((sessionId, i) => label(sessionId, i < 2, 'kind'));
  const events = labels.flatMap(({ sessionId }, i) => [keystrokes({ sessionId, observedAt: AT + i }), keystrokes({ sessionId, observedAt: AT + 30 * 3_600_000 })]);
  const findings = [finding('a', 'f1', 'LOW', AT + 9), finding('a', 'f1', 'HIGH', AT + 99), finding('c', 'f2', 'MEDIUM', AT), finding('x', 'f3', 'LOW', AT)];
  const whole = evaluator(labels);
  whole.events(events);
  whole.findings(findings);
  const parts = [0, 1].map((part) => {
    const one = evaluator(labels);
    one.events(events.filter((_, i) => i % 2 === part));
    one.findings(findings.filter((_, i) => i % 2 === part));
    return structuredClone(one.state());
  });
  const merged = evaluator(labels);
  for (const part of parts.toReversed()) merged.absorb(part);
  expect(merged.result()).toEqual(whole.result());
});

it('ranks sessions by strength, those that open nothing last', () => {
  const sessions = [
    { remote: true, strength: 5, opens: true }, { remote: false, strength: 3, opens: true }, { remote: true, strength: 2, opens: true },
    { remote: false, strength: 9, opens: false }, { remote: false, strength: 0, opens: false },
  ];
  expect(curveOf(sessions).map(({ strength, opens, recall, precision, falsePositiveRate }) => [strength, opens, recall, precision, falsePositiveRate])).toEqual([
    [5, true, 0.5, 1, 0], [3, true, 0.5, 0.5, 1 / 3], [2, true, 1, 2 / 3, 1 / 3], [9, false, 1, 0.5, 2 / 3],
  ]);
  // Of the 6 pairs of a remote and an honest session, the honest one stands above in one.
  expect(areaUnderRoc(sessions)).toBeCloseTo(5 / 6, 12);
  expect(areaUnderRoc(sessions.filter(({ remote }) => remote))).toBeNull();
});

it('takes the middle, or the mean of the two in the middle', () => {
  expect([median([]), median([3]), median([9, 1, 3]), median([4, 1, 3, 2])]).toEqual([null, 3, 3, 2.5]);
});

it('reads labels, and names the line that is wrong', async () => {
  const dir = temporaryDirectory();
  const good = write(dir, 'l.ndjson', '{"tenantId":"acme","sessionId":"s","remote":true,"kind":"proxy","startsAt":5,"more":1}\n\n{"tenantId":"acme","sessionId":"t","remote":false}');
  expect([...(await readLabels(good)).values()]).toEqual([label('s', true, 'proxy', 5), label('t', false, 'honest')]);
  const bad = write(dir, 'bad.ndjson', '{"tenantId":"acme","sessionId":"s","remote":true}\n{"tenantId":"acme","sessionId":"s","remote":"yes"}\n');
  await expect(readLabels(bad)).rejects.toMatchObject({ code: 'FARHAND_USAGE', message: expect.stringContaining('line 2: remote must be') as string });
});
