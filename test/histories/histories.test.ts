/** Histories that were recorded by a release go on replaying to the same findings, or the changelog says that they changed. */
import { expect, test } from 'vitest';
import type { SuspiciousSession } from '#schemas/records.ts';
import { strengthTold } from '../../services/detect/model/test-view.ts';
import { changelog, changelogLine, differences, expectedFindings, recordedHistories, replay } from './replayed.ts';

const ADVICE = 'If that is meant, say what a user sees of it under "Unreleased" in CHANGELOG.md and run `npm run histories -- --accept`.';

test('there is a recorded history', () => {
  expect(recordedHistories().map(({ name }) => name)).toContain('v0.1.0');
});

test.each(recordedHistories())('$name replays to its findings', async (history) => {
  const [before, after] = [expectedFindings(history), await replay(history)];
  expect(before.length).toBeGreaterThan(10);
  const changes = differences(before, after);
  if (changes.length > 0) {
    const shown = changes.slice(0, 20).map((line) => `  ${line}`);
    throw new Error(`${history.name} replays to other findings than recorded:\n${shown.join('\n')}${changes.length > 20 ? `\n  and ${changes.length - 20} more` : ''}\n${ADVICE}`);
  }
  expect(after).toEqual(before);
}, 240_000);

test.each(recordedHistories())('the changelog names the findings of $name', (history) => {
  const line = changelogLine(history.name, expectedFindings(history));
  if (!changelog().includes(line)) throw new Error(`CHANGELOG.md does not say "${line}". ${ADVICE}`);
});

/** Strengths are told with three digits, shares with two. */
const ROUNDED = 0.03;

test.each(recordedHistories())('no evidence of $name is stronger than the shares that its sentence tells', (history) => {
  const told = expectedFindings(history).flatMap((line) => (JSON.parse(line) as SuspiciousSession).evidence.map((entry) => ({ ...entry, most: strengthTold(entry) })));
  const known = told.filter(({ most }) => !Number.isNaN(most));
  expect(new Set(known.map(({ signal }) => signal)).size).toBeGreaterThan(4);
  expect(known.filter(({ strength, most }) => strength > most + ROUNDED)).toEqual([]);
});
