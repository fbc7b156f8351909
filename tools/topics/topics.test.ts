import { expect, test } from 'vitest';
import { topicsSectionSchema } from '#lib/kernel/config-sections.ts';
import { createMemoryLog } from '#lib/log/memory.ts';
import { parse } from 'yaml';
import { aclText, rolesOf } from './acls.ts';
import { checkTopics, createMissing, differenceTable } from './check.ts';
import { topicLayouts } from './layout.ts';
import { parseRetention, retentionRows, setRetention } from './retention.ts';

const layouts = topicLayouts(topicsSectionSchema.parse({ partitions: 3 }));

test('creates what is missing, and then finds everything as it should be', async () => {
  const { admin } = createMemoryLog();
  expect((await checkTopics(admin, layouts)).map((d) => d.is)).toEqual(layouts.map(() => 'missing'));
  const created = await createMissing(admin, layouts, 1);
  expect(created).toEqual(layouts.map((layout) => layout.name));
  expect(await checkTopics(admin, layouts)).toEqual([]);
  expect(await createMissing(admin, layouts, 1)).toEqual([]);
});

test('telemetry keeps the time of arrival, later topics the event time; state and reference data are compacted', () => {
  const of = (name: string) => layouts.find((layout) => layout.name === name)!;
  expect(of('telemetry.connection.v1').required).toMatchObject({ 'message.timestamp.type': 'LogAppendTime', 'cleanup.policy': 'delete' });
  expect(of('farhand.events.v1')).toMatchObject({ partitions: 3, required: { 'message.timestamp.type': 'CreateTime' }, initial: { 'retention.ms': '-1' } });
  expect(of('reference.devices.v1')).toMatchObject({ partitions: 1, required: { 'cleanup.policy': 'compact' } });
  expect(of('farhand.detect-changelog.v1')).toMatchObject({ partitions: 3, required: { 'cleanup.policy': 'compact' } });
});

test('differences are told in a table; a higher limit is no difference', async () => {
  const { admin } = createMemoryLog();
  const change: Record<string, object> = {
    'farhand.events.v1': { partitions: 5 },
    'farhand.dead-letter.v1': { settings: { 'cleanup.policy': 'delete', 'message.timestamp.type': 'CreateTime', 'max.message.bytes': '9000000' } },
    'reference.devices.v1': { settings: { 'cleanup.policy': 'delete', 'message.timestamp.type': 'CreateTime', 'compression.type': 'zstd' } },
    'reference.feedback.v1': { settings: { 'cleanup.policy': 'compact', 'message.timestamp.type': 'CreateTime', 'compression.type': 'producer' } },
  };
  const specs = layouts.slice(1).map(({ name, partitions, required }) => ({ name, partitions, settings: required, ...change[name] }));
  await admin.create(specs, 1);
  expect(differenceTable(await checkTopics(admin, layouts))).toBe(
    [
      'topic                           what              is        should be',
      'telemetry.keystroke-latency.v1  topic             missing   3 partitions',
      'farhand.events.v1               partitions        5         3',
      'reference.devices.v1            cleanup.policy    delete    compact',
      'reference.feedback.v1           compression.type  producer  zstd',
    ].join('\n'),
  );
});

test('the least rights as a table, as commands and as KafkaUser resources', () => {
  const roles = rolesOf(topicsSectionSchema.parse({}), 'farhand', ['siem.findings.v1'], layouts);
  const detect = roles.filter((role) => role.name === 'detect');
  expect(aclText(detect, 'table', 'User:CN={role}')).toBe(
    [
      'detect (worker, and the exchange between people beside it), User:CN=detect',
      '  Group            farhand-detect                  Read',
      '  TransactionalId  farhand-detect-*                Write',
      '  Topic            farhand.enriched.v1             Read',
      '  Topic            farhand.erasures.v1             Read',
      '  Topic            farhand.fleet-facts.v1          Read',
      '  Topic            farhand.detect-changelog.v1     Read',
      '  Topic            farhand.detect-changelog.v1     Write',
      '  Topic            farhand.suspicious-sessions.v1  Write',
      '  Topic            siem.findings.v1                Write',
      '  Topic            farhand.erasure-receipts.v1     Write',
      '  Topic            farhand.fleet-reports.v1        Write',
      '  Group            farhand-ingest                  Describe',
      '  Topic            telemetry.keystroke-latency.v1  Read',
      '  Topic            telemetry.connection.v1         Read',
      '  Group            farhand-enrich                  Describe',
      '  Topic            farhand.events.v1               Read',
      '  Group            farhand-fleet                   Read',
      '  TransactionalId  farhand-fleet-*                 Write',
      '  Topic            farhand.fleet-reports.v1        Read',
      '  Topic            farhand.fleet-changelog.v1      Read',
      '  Topic            farhand.fleet-changelog.v1      Write',
      '  Topic            farhand.fleet-facts.v1          Write',
    ].join('\n'),
  );
  const begin = 'kafka-acls --bootstrap-server "$BOOTSTRAP" --command-config "$ADMIN" --add --allow-principal';
  expect(aclText(detect, 'kafka-acls', "User:CN={role}, O=Acme's")).toBe(
    [
      '# detect: worker, and the exchange between people beside it',
      '--operation Read --group farhand-detect --group farhand-fleet',
      '--operation Write --transactional-id farhand-detect- --transactional-id farhand-fleet- --resource-pattern-type prefixed',
      '--operation Read --topic farhand.enriched.v1 --topic farhand.erasures.v1 --topic telemetry.keystroke-latency.v1 --topic telemetry.connection.v1 --topic farhand.events.v1',
      '--operation Read --operation Write --topic farhand.fleet-facts.v1 --topic farhand.detect-changelog.v1 --topic farhand.fleet-changelog.v1',
      '--operation Write --topic farhand.suspicious-sessions.v1 --topic siem.findings.v1 --topic farhand.erasure-receipts.v1',
      '--operation Write --operation Read --topic farhand.fleet-reports.v1',
      '--operation Describe --group farhand-ingest --group farhand-enrich',
    ].map((line, i) => (i === 0 ? line : `${begin} 'User:CN=detect, O=Acme'\\''s' ${line}`)).join('\n'),
  );
  const users = aclText(roles, 'strimzi', 'User:farhand-{role}').split('---\n').map((text) => parse(text) as { metadata: { name: string }; spec: { authorization: { acls: unknown[] } } });
  expect(users.map((user) => user.metadata.name)).toEqual(roles.map((role) => `farhand-${role.name}`));
  expect(users[4]!.spec.authorization.acls[5]).toEqual({ resource: { type: 'topic', name: 'farhand.detect-changelog.v1', patternType: 'literal' }, operations: ['Read', 'Write'] });
});

test('retention is listed for every topic that holds data of people, and set by stream', async () => {
  const { admin } = createMemoryLog();
  const topics = topicsSectionSchema.parse({ partitions: 3 });
  await createMissing(admin, layouts, 1);
  const rowOf = async (name: string) => (await retentionRows(admin, topics)).find((row) => row[0] === name);
  expect(await rowOf('farhand.events.v1')).toEqual(['farhand.events.v1', 'valid events, by person', 'no limit', '2048 MiB a partition']);
  expect(await rowOf('farhand.erasures.v1')).toMatchObject({ 2: '30 days' });
  expect(await rowOf('farhand.detect-changelog.v1')).toMatchObject({ 2: 'newest of each key', 3: 'replaced and deleted: off the disk within 7 days' });
  expect(await setRetention(admin, topics, ['events=30d', 'siemFindings=unlimited'])).toEqual(['farhand.events.v1 retention.ms=2592000000', 'siem.findings.v1 retention.ms=-1']);
  expect(await rowOf('farhand.events.v1')).toMatchObject({ 2: '30 days', 3: '2048 MiB a partition' });
  expect(await checkTopics(admin, layouts)).toEqual([]);
  for (const wrong of ['events', 'events=', 'events=3', 'devices=3d', 'constructor=3d']) expect(() => parseRetention(wrong), wrong).toThrow(/--set-retention/);
});
