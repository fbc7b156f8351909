/** How long each topic keeps what, and whose data that is; for the operator who sets it and the officer who asks. */
import type { TopicsSection } from '#lib/kernel/config-sections.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { LogAdmin } from '#lib/log/log.ts';

/** Keys of the section topics whose records a time of retention makes sense for: streams, not state. */
export const STREAMS = {
  keystrokeLatency: 'timing of keystrokes, by person',
  connection: 'addresses and path, by person',
  events: 'valid events, by person',
  enriched: 'the same with place and network',
  suspiciousSessions: 'findings, by person',
  siemFindings: 'findings for the SIEM',
  deadLetter: 'rejected records as they came',
  erasures: 'requests to erase: they name the person',
  erasureReceipts: 'what was erased, without names',
  ingestProgress: 'how far the tasks of ingest are, of nobody',
  fleetReports: 'what people share, by address, place and rhythm: it names them',
  fleetFacts: 'what the exchange answers, by person',
} as const satisfies Partial<Record<keyof TopicsSection, string>>;

const COMPACTED = {
  devices: 'assignments, by device and user',
  feedback: 'verdicts, by session or finding',
  detectChangelog: 'state of people, until they are unseen for detect.personTtlMs or erased',
  chainedChangelog: 'the same, of farhand embedded --kafka',
  fleetChangelog: 'people behind one address, place or rhythm, until detect.fleet.memoryMs or erased',
  ingestChangelog: 'hashes of event ids',
} as const satisfies Partial<Record<keyof TopicsSection, string>>;

export type Stream = keyof typeof STREAMS;

/** Places and networks, by no person. */
const OF_NOBODY: ReadonlySet<string> = new Set(['vantages', 'networks'] satisfies (keyof TopicsSection)[]);

const UNIT_MS = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const;
const SETTINGS = ['cleanup.policy', 'retention.ms', 'retention.bytes', 'max.compaction.lag.ms'];

/** `events=30d` → the stream and its time, ms; −1 for `events=unlimited`. FARHAND_USAGE otherwise. */
export function parseRetention(text: string): { stream: Stream; ms: number } {
  const [, name = '', amount, unit] = /^([A-Za-z]+)=(?:(\d{1,5})([hdw])|unlimited)$/.exec(text) ?? [];
  if (!Object.hasOwn(STREAMS, name)) {
    throw new FarhandError('FARHAND_USAGE', `--set-retention is '${text}': allowed is one of ${Object.keys(STREAMS).join(', ')} with =30d (h, d or w) or =unlimited`);
  }
  return { stream: name as Stream, ms: amount === undefined ? -1 : Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS] };
}

export async function setRetention(admin: LogAdmin, topics: TopicsSection, texts: readonly string[]): Promise<string[]> {
  const wanted = texts.map(parseRetention);
  for (const { stream, ms } of wanted) await admin.configure(topics[stream], { 'retention.ms': String(ms) });
  return wanted.map(({ stream, ms }) => `${topics[stream]} retention.ms=${ms}`);
}

const days = (ms: string | undefined): string => (ms === undefined ? '?' : ms === '-1' ? 'no limit' : `${Math.round((Number(ms) / UNIT_MS.d) * 10) / 10} days`);
const size = (bytes: string | undefined): string => (bytes === undefined ? '?' : bytes === '-1' ? 'no limit' : `${Math.round(Number(bytes) / 1024 ** 2)} MiB a partition`);

/** Rows: topic, what it holds, how long, how much. */
export async function retentionRows(admin: LogAdmin, topics: TopicsSection): Promise<string[][]> {
  const held: Readonly<Record<string, string>> = { ...STREAMS, ...COMPACTED };
  const listed = Object.entries(topics).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && !OF_NOBODY.has(entry[0]));
  const found = await admin.describe(listed.map(([, name]) => name), SETTINGS);
  return listed.map(([key, name]) => {
    const holds = held[key] ?? 'see docs/formats.md';
    const settings = found.get(name)?.settings;
    if (settings === undefined) return [name, holds, 'missing', ''];
    if (settings['cleanup.policy'] === 'compact') return [name, holds, 'newest of each key', `replaced and deleted: off the disk within ${days(settings['max.compaction.lag.ms'])}`];
    return [name, holds, days(settings['retention.ms']), size(settings['retention.bytes'])];
  });
}
