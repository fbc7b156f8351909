/**
 * `npm run histories`: --accept takes over what the recorded histories replay to now; --record NAME records a new one.
 * The changelog has to say what changed: its line about the findings is brought up to date, the words are yours.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { writeAvroContainer } from '#lib/codec/container-write.ts';
import type { HistoryRecord } from '#schemas/records.ts';
import { simulateFleet } from '../../tools/simulate/fleet.ts';
import { CHANGELOG, changelogLine, differences, expectedFindings, historyOf, recordedHistories, replay, type RecordedHistory } from './replayed.ts';

/** Small, and most of what is found: a few people of each kind would make megabytes. */
const FLEET = { workstations: 7, piloted: 5, seed: 41, tenants: 2, repeatShare: 0.01 };

function* records(): Generator<HistoryRecord[]> {
  for (const batch of simulateFleet(FLEET)) yield batch.map(({ record }) => record);
}

async function accept(history: RecordedHistory): Promise<void> {
  const after = await replay(history);
  const before = existsSync(history.findings) ? expectedFindings(history) : [];
  writeFileSync(history.findings, after.map((line) => `${line}\n`).join(''));
  const line = changelogLine(history.name, after);
  const text = readFileSync(CHANGELOG, 'utf8');
  const known = new RegExp(`Recorded history ${history.name.replaceAll('.', '\\.')} replays to findings [0-9a-f]+\\.`);
  const next = known.test(text) ? text.replace(known, line) : text.replace('## Unreleased\n\n', `## Unreleased\n\n- ${line}\n`);
  writeFileSync(CHANGELOG, next);
  const changes = differences(before, after);
  process.stdout.write(`${history.name}: ${after.length} revisions, ${changes.length} findings changed\n${changes.map((change) => `  ${change}\n`).join('')}`);
}

const { values } = parseArgs({ options: { accept: { type: 'boolean', default: false }, record: { type: 'string' } }, strict: true });
if (values.record !== undefined) {
  const history = historyOf(values.record);
  if (existsSync(history.history)) throw new Error(`${history.history} is there already: a recorded history never changes`);
  mkdirSync(dirname(history.history), { recursive: true });
  await writeAvroContainer(history.history, records(), { codec: 'zstandard' });
  await accept(history);
} else if (values.accept) {
  for (const history of recordedHistories()) await accept(history);
} else {
  process.stderr.write('npm run histories -- --accept | --record NAME\n');
  process.exitCode = 2;
}
