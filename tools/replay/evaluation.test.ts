import { expect, it } from 'vitest';
import type { Severity, SuspiciousSession } from '#schemas/records.ts';
import { Evaluator, median } from './evaluation.ts';
import { readLabels, sessionKey, type SessionLabel } from './labels.ts';
import { AT, keystrokes, temporaryDirectory, write } from './test-history.ts';

const label = (sessionId: string, remote: boolean, kind: string, startsAt: number | null = null): SessionLabel => ({ tenantId: 'acme', sessionId, remote, kind, startsAt });
const finding = (sessionId: string, findingId: string, severity: Severity, detectedAt: number) =>
  ({ tenantId: 'acme', sessionId, findingId, severity, detectedAt }) as SuspiciousSession;

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
