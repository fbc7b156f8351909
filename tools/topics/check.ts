/** Compares the topics of a broker with the layout. */
import type { LogAdmin, TopicSpec } from '#lib/log/log.ts';
import type { TopicLayout } from './layout.ts';

export interface Difference {
  readonly topic: string;
  readonly what: string;
  readonly is: string;
  readonly shouldBe: string;
}

/** A limit of this name may be higher than what is needed. */
const AT_LEAST = new Set(['max.message.bytes', 'delete.retention.ms']);

function fits(name: string, is: string | undefined, needed: string): boolean {
  return AT_LEAST.has(name) ? Number(is) >= Number(needed) : is === needed;
}

export function differencesOf(layout: TopicLayout, found: TopicSpec | null): Difference[] {
  const topic = layout.name;
  if (found === null) return [{ topic, what: 'topic', is: 'missing', shouldBe: `${layout.partitions} partitions` }];
  const differences: Difference[] = [];
  if (found.partitions !== layout.partitions) {
    differences.push({ topic, what: 'partitions', is: String(found.partitions), shouldBe: String(layout.partitions) });
  }
  for (const [name, needed] of Object.entries(layout.required)) {
    const is = found.settings[name];
    if (!fits(name, is, needed)) differences.push({ topic, what: name, is: is ?? 'unknown', shouldBe: AT_LEAST.has(name) ? `≥ ${needed}` : needed });
  }
  return differences;
}

export async function checkTopics(admin: LogAdmin, layouts: readonly TopicLayout[]): Promise<Difference[]> {
  const settings = [...new Set(layouts.flatMap((layout) => Object.keys(layout.required)))];
  const found = await admin.describe(layouts.map((layout) => layout.name), settings);
  return layouts.flatMap((layout) => differencesOf(layout, found.get(layout.name) ?? null));
}

/** Creates what is missing; answers the names. Topics that exist are never changed. */
export async function createMissing(admin: LogAdmin, layouts: readonly TopicLayout[], replicationFactor: number): Promise<string[]> {
  const found = await admin.describe(layouts.map((layout) => layout.name), []);
  const missing = layouts.filter((layout) => found.get(layout.name) === null);
  const specs = missing.map(({ name, partitions, required, initial }) => ({ name, partitions, settings: { ...initial, ...required } }));
  await admin.create(specs, replicationFactor);
  return missing.map((layout) => layout.name);
}

export function differenceTable(differences: readonly Difference[]): string {
  return table([['topic', 'what', 'is', 'should be'], ...differences.map((d) => [d.topic, d.what, d.is, d.shouldBe])]);
}

export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd()).join('\n');
}
