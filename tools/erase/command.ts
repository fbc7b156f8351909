/** `farhand erase`: removes a person and proves it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { REFERENCE_RECORDS } from '#lib/codec/decoder.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { sharedSections } from '#lib/kernel/config-sections.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { createPseudonymiser } from '#lib/kernel/pseudonym.ts';
import { kafkaOptionsOf } from '#lib/log/kafka-section.ts';
import { openKafkaLog } from '#lib/log/kafka.ts';
import type { Log } from '#lib/log/log.ts';
import { redisOptionsOf } from '#lib/reference/redis-options.ts';
import { createRedisReference } from '#lib/reference/redis.ts';
import { openSchemas } from '#lib/runner/schemas.ts';
import { siemOutputsOf, siemSectionSchema } from '#lib/siem/config.ts';
import { EXCHANGE_SERVICE } from '../../services/detect/fleet/task.ts';
import { integerOption, parseOptions, usageError, type Command } from '../command.ts';
import { erasePerson, type ErasureReport } from './erase.ts';
import { checkReport, sealReport, type SealedReport } from './report.ts';

const NAME = 'erase';
const HELP = `Usage: farhand erase --tenant ID --user ID --out FILE [options]
       farhand erase --check FILE [--public-key FILE]

Removes a person while the workers run: the state of detection (baselines, rhythm, open windows and findings) and what the
exchange between people holds (reports, sketches of rhythm, addresses) with tombstones in their changelogs, device assignments and feedback in the reference topics and in Redis. Looks again at all of
it, and writes a report of what was removed where, what the second look found, and what stays until retention removes it.
Pseudonyms of the user, of the present and of retired keys, are erased too. New events of the person are new data: stop
the sensor first.

  --tenant ID        the tenant
  --user ID          the user, as the tenant names them (not a pseudonym, where the configuration holds the keys)
  --out FILE         the report (JSON); it names the person: keep it as you keep the request
  --sign-key FILE    Ed25519 private key (PEM) that signs the report (openssl genpkey -algorithm ed25519)
  --timeout SECONDS  how long to wait for the workers (default 60)
  --config FILE      settings (sections kafka, topics, registry, redis, privacy and siem)
  --check FILE       checks the hash of a report, and its signature against --public-key

Exit status: 0 erased and nothing found again (--check: the report is whole), 1 not complete, 2 usage or configuration.`;

const OPTIONS = {
  tenant: { type: 'string' }, user: { type: 'string' }, out: { type: 'string' }, 'sign-key': { type: 'string' }, timeout: { type: 'string' },
  config: { type: 'string' }, check: { type: 'string' }, 'public-key': { type: 'string' },
} as const;
const { kafka, topics, registry, redis, privacy } = sharedSections;
const definition = defineConfig({ kafka, topics, registry, redis, privacy, siem: siemSectionSchema });
type EraseConfig = ReturnType<typeof definition.load>;

function read(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw usageError(NAME, `--${option}: ${(error as Error).message}`);
  }
}

function check(file: string, publicKey: string | undefined): number {
  const sealed = JSON.parse(read('check', file)) as SealedReport;
  const problems = checkReport(sealed, publicKey === undefined ? null : read('public-key', publicKey));
  for (const problem of problems) console.error(`farhand: ${problem}`);
  if (problems.length === 0) console.log(`${file}: the report is whole${publicKey === undefined ? '' : ' and signed by that key'}`);
  return problems.length === 0 ? 0 : 1;
}

/** Which services run that hold state about people, and whether one that fills Redis does. */
async function running(log: Log, prefix: string, { fleetReports }: EraseConfig['topics']): Promise<{ services: string[]; exchangeTasks: number; redis: boolean }> {
  const runs = async (service: string): Promise<boolean> => (await log.admin.membersOf(`${prefix}-${service}`)) > 0;
  const services: string[] = [];
  for (const service of ['detect', 'chained']) if (await runs(service)) services.push(service);
  const exchangeTasks = (await runs(EXCHANGE_SERVICE)) ? (await log.partitionsOf([fleetReports])).get(fleetReports)! : 0;
  return { services, exchangeTasks, redis: await runs('enrich') };
}

async function erase(config: EraseConfig, tenantId: string, userId: string, timeoutMs: number): Promise<ErasureReport> {
  const names = createPseudonymiser(config.privacy).namesOf(tenantId, userId);
  const log = await openKafkaLog(kafkaOptionsOf(config.kafka, systemClock));
  const store = createRedisReference(redisOptionsOf(config.redis));
  try {
    const present = await running(log, config.kafka.groupIdPrefix, config.topics);
    const source = await openSchemas(config.registry, config.topics, []);
    return await erasePerson(
      { tenantId, userId, names },
      {
        log, clock: systemClock, topics: config.topics, siemTopics: siemOutputsOf(config.siem, config.topics).map(({ topic }) => topic),
        decoder: avroRecordDecoder({ source, names: REFERENCE_RECORDS }), services: present.services, exchangeTasks: present.exchangeTasks,
        reference: present.redis ? (person) => store.holds(person) : null, timeoutMs,
      },
    );
  } finally {
    await store.close();
    await log.close();
  }
}

function summary({ removed, verification, remains, openFindings }: ErasureReport): string {
  const keys = removed.state.reduce((sum, receipt) => sum + receipt.keys, 0);
  return [
    `removed: ${keys} keys of state, ${removed.assignments} device assignments, ${removed.feedback} verdicts`,
    ...verification.map(({ where, found }) => `looked again: ${where}: ${found === 0 ? 'nothing' : `STILL ${found}`}`),
    ...remains.map(({ topic, records, settings }) => `until retention: ${records} records of ${topic} (${Object.entries(settings).map(([name, value]) => `${name}=${value}`).join(', ')})`),
    ...(openFindings.length === 0 ? [] : [`close in the SIEM: ${openFindings.join(', ')}`]),
  ].join('\n');
}

async function run(args: string[]): Promise<number> {
  const { values } = parseOptions(NAME, args, OPTIONS);
  if (values.check !== undefined) return check(values.check, values['public-key']);
  const { tenant, user, out } = values;
  if (tenant === undefined || user === undefined || out === undefined) throw usageError(NAME, 'say --tenant, --user and --out');
  const timeoutMs = integerOption(NAME, 'timeout', values.timeout, { fallback: 60, least: 1, most: 3_600 }) * 1_000;
  const key = values['sign-key'] === undefined ? null : read('sign-key', values['sign-key']);
  const config = definition.load({ file: values.config ?? null });
  try {
    writeFileSync(out, '', { flag: 'wx' }); // before anything is erased: a proof that cannot be written is none
  } catch (error) {
    throw new FarhandError('FARHAND_USAGE', `--out: ${(error as Error).message}`, { cause: error });
  }
  const report = await erase(config, tenant, user, timeoutMs);
  const sealed = sealReport(report, key);
  writeFileSync(out, `${JSON.stringify(sealed, null, 2)}\n`);
  console.log(`${summary(report)}\nreport: ${out}, sha256 ${sealed.sha256}${key === null ? '' : ', signed'}`);
  return report.complete ? 0 : 1;
}

export const command: Command = { name: NAME, summary: 'removes a person from state, changelogs and Redis, with a report', help: HELP, run };
