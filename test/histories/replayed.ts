/** What the recorded histories of this folder replay to, and what they must replay to. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#lib/kernel/clock.ts';
import { loadEmbeddedConfig } from '../../tools/embedded/pipeline.ts';
import { runReplay } from '../../tools/replay/replay.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const CHANGELOG = fileURLToPath(new URL('../../CHANGELOG.md', import.meta.url));
const HASH_DIGITS = 12;

export interface RecordedHistory {
  /** The release that recorded it. */
  readonly name: string;
  readonly history: string;
  readonly findings: string;
}

export const historyOf = (name: string): RecordedHistory => ({ name, history: join(FOLDER, name, 'history.avro'), findings: join(FOLDER, name, 'findings.ndjson') });

export function recordedHistories(): RecordedHistory[] {
  const names = readdirSync(FOLDER, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return names.toSorted().map(historyOf).filter(({ history }) => existsSync(history));
}

/**
 * Lines of findings, as a replay with the default configuration writes them; left out is which databases they were made with, and the hash of the
 * configuration, which a new key changes although nothing else does.
 */
export async function replay({ history }: Pick<RecordedHistory, 'history'>): Promise<string[]> {
  const out = mkdtempSync(join(tmpdir(), 'farhand-histories-'));
  try {
    const quiet = { progress: { write: () => true }, showProgress: false, signal: new AbortController().signal };
    await runReplay({ history: [history], labels: null, out, config: loadEmbeddedConfig(), clock: systemClock, ...quiet });
    const lines = readFileSync(join(out, 'suspicious-sessions.ndjson'), 'utf8').split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.stringify(JSON.parse(line), (key, value: unknown) => (key === 'databases' || key === 'hash' ? undefined : value)));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

export function expectedFindings({ findings }: RecordedHistory): string[] {
  return readFileSync(findings, 'utf8').split('\n').filter((line) => line !== '');
}

export function hashOf(lines: readonly string[]): string {
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, HASH_DIGITS);
}

/** The line of CHANGELOG.md that tells of these findings. */
export function changelogLine(name: string, lines: readonly string[]): string {
  return `Recorded history ${name} replays to findings ${hashOf(lines)}.`;
}

export function changelog(): string {
  return readFileSync(CHANGELOG, 'utf8');
}

export { CHANGELOG };

interface Revision {
  readonly findingId: string;
  readonly revision: number;
  readonly severity: string;
  readonly userId: string;
  readonly detectedAt: number;
}

/** One line for each finding that is new, gone, or says something else. */
export function differences(before: readonly string[], after: readonly string[]): string[] {
  const byFinding = (lines: readonly string[]): Map<string, { text: string; last: Revision }> => {
    const found = new Map<string, { text: string; last: Revision }>();
    for (const line of lines) {
      const revision = JSON.parse(line) as Revision;
      found.set(revision.findingId, { text: `${found.get(revision.findingId)?.text ?? ''}${line}\n`, last: revision });
    }
    return found;
  };
  const [old, now] = [byFinding(before), byFinding(after)];
  const name = ({ userId, findingId, severity, revision, detectedAt }: Revision) => `${severity} about ${userId} (${findingId}, revision ${revision}, ${new Date(detectedAt).toISOString()})`;
  const lines: string[] = [];
  for (const [id, { last, text }] of now) {
    const known = old.get(id);
    if (known === undefined) lines.push(`new: ${name(last)}`);
    else if (known.text !== text) lines.push(`changed: ${name(known.last)} → ${name(last)}`);
  }
  for (const [id, { last }] of old) if (!now.has(id)) lines.push(`gone: ${name(last)}`);
  return lines;
}
