/**
 * The state in the changelogs: the keys that live at the end are those of the run without faults, so that nothing was
 * forgotten and nothing is kept for ever; and no value outgrows its bound.
 */
import type { Broker } from '../broker/broker.ts';
import { TOPICS } from '../topics.ts';

/** Largest encoded value of one key, bytes: a person with sessions, or a chunk of event ids. */
const VALUE_BYTES_MAX = 64 * 1024;

/** Live keys with the size of their values, by partition of each changelog. */
export type States = ReadonlyMap<string, ReadonlyMap<string, number>>;

export function statesOf(broker: Broker): States {
  const states = new Map<string, Map<string, number>>();
  for (const topic of [TOPICS.ingestChangelog, TOPICS.detectChangelog, TOPICS.fleetChangelog]) {
    broker.committed(topic).forEach((records, partition) => {
      const live = new Map<string, number>();
      for (const { key, value } of records) {
        const name = Buffer.from(key!).toString('latin1');
        if (value === null) live.delete(name);
        else live.set(name, value.length);
      }
      states.set(`${topic}/${partition}`, live);
    });
  }
  return states;
}

export function checkStates(expected: States, found: States): string[] {
  const problems: string[] = [];
  for (const [name, live] of found) {
    const wanted = expected.get(name)!;
    for (const [key, bytes] of live) {
      if (!wanted.has(key)) problems.push(`state of ${name}: ${JSON.stringify(key)} is left over`);
      if (bytes > VALUE_BYTES_MAX) problems.push(`state of ${name}: ${JSON.stringify(key)} has ${bytes} bytes`);
    }
    for (const key of wanted.keys()) if (!live.has(key)) problems.push(`state of ${name}: ${JSON.stringify(key)} is missing`);
  }
  return problems;
}

/** Keys that a task may hold in memory, beside those of the run without faults: people whose windows an outage kept open. */
const KEYS_FACTOR_MAX = 2;

/** What tasks hold in memory is bounded all the time, not only at the end. `expected`: the most keys of a task by service. */
export function checkStateKeys(expected: ReadonlyMap<string, number>, found: ReadonlyMap<string, number>): string[] {
  return [...found].flatMap(([service, keys]) => {
    const most = KEYS_FACTOR_MAX * (expected.get(service) ?? 0);
    return keys <= most ? [] : [`state of ${service}: a task held ${keys} keys at a time, at most ${most} are accounted for`];
  });
}
