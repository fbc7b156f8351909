/** What a SIEM reads from Kafka: committed with the findings or not at all, also where the worker is killed. */
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { encodeFramed } from '#lib/codec/encode.ts';
import type { Log, LogRecord } from '#lib/log/log.ts';
import { formatFinding, type SiemForm } from '#lib/siem/format.ts';
import { SAME_SEVERITY, thresholdsOf } from '#lib/siem/severity.ts';
import type { EnrichedEvent, SuspiciousSession } from '#schemas/records.ts';
import { detectConfigSchema } from '../../services/detect/config.ts';
import { session } from '../../services/detect/test-events.ts';
import { kafkaLog, readAll, until } from '../infrastructure/logs.ts';
import { waitForOutput } from '../infrastructure/process.ts';
import { install, type Installation } from './farhand.ts';

const brokers = inject('kafkaBrokers');
const redis = inject('redisUrl');
const PARTITIONS = 2;

describe.skipIf(brokers === null || redis === null)('findings for the SIEM on Kafka', () => {
  let farhand: Installation;
  let log: Log;
  const ecsTopic = () => `${farhand.group}.ecs`;
  const cefTopic = () => `${farhand.group}.cef`;

  beforeEach(async () => {
    // The names of the topics need the prefix, which install makes; outputs are given by environment.
    farhand = install(brokers!, redis!, PARTITIONS);
    process.env['FARHAND_SIEM_OUTPUTS'] = JSON.stringify([{}, { topic: ecsTopic(), form: 'ECS' }, { topic: cefTopic(), form: 'CEF' }]);
    log = await kafkaLog(brokers!);
    expect(await farhand.run('topics')).toMatch(/created .*\.ecs[^]*22 topics are as they should be/);
  });
  afterEach(async () => {
    delete process.env['FARHAND_SIEM_OUTPUTS'];
    await log.close();
    await farhand.stop();
  });

  const topic = async (name: string): Promise<LogRecord[]> => (await Promise.all(Array.from({ length: PARTITIONS }, (_, p) => readAll(log, name, p)))).flat();

  const publish = (events: readonly EnrichedEvent[]) =>
    log.append(
      events.map((event) => ({
        topic: farhand.topics.enriched, partition: null, key: Buffer.from(`t|${event.event.userId}`), value: encodeFramed(event.type, event), timestampMs: event.event.observedAt,
      })),
    );

  async function atEnd(): Promise<boolean> {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const committed = await log.committedPositions(`${farhand.group}-detect`, [farhand.topics.enriched], partition);
      const last = (await readAll(log, farhand.topics.enriched, partition)).at(-1)?.offset ?? -1;
      if (committed.some(({ offset }) => offset <= last) || (committed.length === 0 && last >= 0)) return false;
    }
    return true;
  }

  test('each revision once in each form, keyed by finding, though the worker was killed', async () => {
    const people = ['one', 'two', 'three', 'four', 'five', 'six'];
    const events = people.flatMap((userId) => session({ userId, minutes: 24, gapMs: 130, jitterMs: 4 })).toSorted((a, b) => a.event.observedAt - b.event.observedAt);
    const first = farhand.worker('detect', 'first');
    await waitForOutput(first, /"event":"task.started"/, 60_000);
    const half = events.length >> 1;
    await publish(events.slice(0, half));
    await until('the first findings', async () => (await topic(farhand.topics.siemFindings)).length > 0, 60_000);
    await publish(events.slice(half));
    first.kill('SIGKILL');
    farhand.worker('detect', 'second');
    await until('the end of the input', atEnd, 120_000);

    const decoder = avroRecordDecoder({ names: ['SuspiciousSession'] });
    const findings = (await topic(farhand.topics.suspiciousSessions)).map((record): SuspiciousSession => {
      const result = decoder.decode(record);
      if (!result.ok) throw new Error(result.detail);
      return result.event;
    });
    expect(new Set(findings.map((finding) => finding.userId)).size).toBe(people.length);
    const thresholds = thresholdsOf(detectConfigSchema.parse({}).fusion);
    const sorted = (lines: string[]) => lines.toSorted((a, b) => (a < b ? -1 : 1));
    const forms: [string, SiemForm][] = [[farhand.topics.siemFindings, 'OCSF'], [ecsTopic(), 'ECS'], [cefTopic(), 'CEF']];
    for (const [name, form] of forms) {
      const expected = findings.map((finding) => `${finding.findingId} ${formatFinding(form, finding, { severities: SAME_SEVERITY, thresholds })}`);
      const written = (await topic(name)).map((record) => `${Buffer.from(record.key!).toString()} ${Buffer.from(record.value!).toString()}`);
      expect(sorted(written), form).toEqual(sorted(expected));
    }
  });
});
