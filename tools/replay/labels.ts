/** The truth about sessions, for evaluation: NDJSON of {tenantId, sessionId, remote, kind, startsAt}. */
import { statSync } from 'node:fs';
import { FarhandError } from '#lib/kernel/errors.ts';
import { openBytes } from './byte-source.ts';
import { LineSplitter, type Line } from './lines.ts';

const LINE_BYTES_MAX = 64 * 1024;
const LABELS_MAX = 5_000_000;

export interface SessionLabel {
  readonly tenantId: string;
  readonly sessionId: string;
  /** Somebody other than the declared person at the declared place drives the session. */
  readonly remote: boolean;
  readonly kind: string;
  /** When that begins, epoch ms; null where the label does not say. */
  readonly startsAt: number | null;
}

/** Tenant and session as one key; the separator cannot be typed into an identifier by accident. */
export function sessionKey(session: { readonly tenantId: string; readonly sessionId: string }): string {
  return `${session.tenantId}\u001f${session.sessionId}`;
}

function parseLabel(line: Line, file: string): SessionLabel {
  const refuse = (what: string) => new FarhandError('FARHAND_USAGE', `--labels ${file}, line ${line.number}: ${what}`);
  if (line.tooLongBytes !== null) throw refuse(`longer than ${LINE_BYTES_MAX} bytes`);
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(line.bytes.toString('utf8')) as Record<string, unknown>;
  } catch {
    throw refuse('not JSON');
  }
  const { tenantId, sessionId, remote, kind = null, startsAt = null } = value ?? {};
  if (typeof tenantId !== 'string' || typeof sessionId !== 'string') throw refuse('tenantId and sessionId must be texts');
  if (typeof remote !== 'boolean') throw refuse('remote must be true or false');
  if (kind !== null && typeof kind !== 'string') throw refuse('kind must be a text');
  if (startsAt !== null && !Number.isFinite(startsAt)) throw refuse('startsAt must be an epoch time in ms, or null');
  return { tenantId, sessionId, remote, kind: kind ?? (remote ? 'remote' : 'honest'), startsAt: startsAt as number | null };
}

/** Reads the labels (plain, gzip or zstd), by session; a second label of a session replaces the first. */
export async function readLabels(path: string): Promise<Map<string, SessionLabel>> {
  const labels = new Map<string, SessionLabel>();
  const take = (lines: readonly Line[]) => {
    for (const line of lines) {
      const label = parseLabel(line, path);
      labels.set(sessionKey(label), label);
      if (labels.size > LABELS_MAX) throw new FarhandError('FARHAND_USAGE', `--labels ${path}: more than ${LABELS_MAX} sessions`);
    }
  };
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new FarhandError('FARHAND_USAGE', `--labels ${path}: there is no such file`);
  if (stat.isDirectory()) throw new FarhandError('FARHAND_USAGE', `--labels ${path} is a directory`);
  const source = await openBytes({ path, label: path, bytes: 0 });
  try {
    const splitter = new LineSplitter(LINE_BYTES_MAX);
    for await (const chunk of source.chunks) {
      const lines: Line[] = [];
      splitter.push(chunk, lines);
      take(lines);
    }
    const rest: Line[] = [];
    splitter.end(rest);
    take(rest);
  } finally {
    source.close();
  }
  return labels;
}
