/** The reference pages say what the workers do; metrics and log events keep the conventions. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { LOG_EVENTS, type LogEvent } from '#lib/observe/events.ts';
import { logEventsPage, metricGroups, metricsPage } from './reference.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(`${root}/${path}`, 'utf8');
const sources = globSync(['lib/**/*.ts', 'services/**/*.ts', 'tools/**/*.ts'], { cwd: root }).filter((path) => !path.endsWith('.test.ts') && !path.includes('zz-guard-'));
const metrics = metricGroups().flatMap((group) => group.metrics);

test('docs/metrics.md and docs/log-events.md are current', () => {
  expect(read('docs/metrics.md')).toBe(metricsPage());
  expect(read('docs/log-events.md')).toBe(logEventsPage());
});

test('names carry a base unit, counters end in _total, no name is there twice', () => {
  const units = ['seconds', 'bytes', 'ratio'];
  const things = ['records', 'keys', 'held', 'stuck', 'failing', 'ids', 'people', 'entries', 'ready', 'devices', 'sessions', 'requests'];
  for (const { name, type, help } of metrics) {
    expect(name).toMatch(/^farhand_[a-z]+(_[a-z]+)*$/);
    const last = name.split('_').at(-1)!;
    if (type === 'counter') expect(last, name).toBe('total');
    else expect([...units, ...things], name).toContain(last);
    expect(name).not.toMatch(/_(ms|milliseconds|kb|mb|percent|minutes)(_|$)/);
    expect(help, name).toMatch(/\.$/);
  }
  expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length);
});

test('no label can hold what comes out of a record', () => {
  const bounded = new Set(['task', 'cause', 'reason', 'topic', 'queue', 'holds', 'status', 'severity', 'signal', 'database', 'version', 'code', 'endpoint', 'outcome']);
  for (const { name, labels } of metrics) for (const label of Object.keys(labels)) expect(bounded, `${name}{${label}}`).toContain(label);
});

/** `event: 'name'` in the sources, and the names of runner events. */
function eventsInSources(): Map<string, string> {
  const found = new Map<string, string>();
  for (const path of sources) {
    const text = read(path);
    for (const [, name] of text.matchAll(/\bevent: '([a-z]+\.[a-zA-Z]+)'/g)) found.set(name!, path);
    for (const [, name] of text.matchAll(/observer\.event\('([a-z]+\.[a-zA-Z]+)'/g)) found.set(name!, path);
  }
  return found;
}

test('every event that is logged is in the registry, and every one of the registry is logged', () => {
  expect([...eventsInSources().keys()].sort()).toEqual(Object.keys(LOG_EVENTS).sort());
});

test('a line of the log carries only fields that its event may have', () => {
  for (const path of sources) {
    for (const [, name, rest] of read(path).matchAll(/\bevent: '([a-z]+\.[a-zA-Z]+)'([^{}]*)\}/g)) {
      const fields = [...rest!.matchAll(/[,{]\s*([a-zA-Z]+)(?=\s*[,:}]|\s*$)/g)].map(([, field]) => field!);
      const { fields: allowed } = LOG_EVENTS[name as keyof typeof LOG_EVENTS] as LogEvent;
      for (const field of fields) expect(allowed, `${path}: ${name} ${field}`).toContain(field);
    }
  }
});

test('no field of the log is named like an identifier of a person, device, session, tenant or address', () => {
  for (const { fields } of Object.values<LogEvent>(LOG_EVENTS)) {
    for (const field of fields) expect(field).not.toMatch(/user|person|device|session|tenant|address|ip$|mail|key$|value/i);
  }
});
