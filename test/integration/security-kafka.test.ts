/**
 * Kafka with TLS, SASL, client certificates and the authorizer switched on: every way to come in, rotation without a
 * restart, the least rights (`farhand topics --acls`) and what a worker says when one of them is missing.
 */
import { execFile } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import { kafkaSectionSchema } from '#lib/kernel/config-sections.ts';
import { kafkaOptionsOf } from '#lib/log/kafka-section.ts';
import { openKafkaLog } from '#lib/log/kafka.ts';
import type { Log, LogRecord, Right } from '#lib/log/log.ts';
import { requireRights, rightText } from '#lib/runner/rights.ts';
import { aclText, rolesOf, type Role } from '../../tools/topics/acls.ts';
import { topicLayouts } from '../../tools/topics/layout.ts';
import { startSecureRedis } from '../infrastructure/secure-redis.ts';
import { startSecureKafka, type SecureKafka } from '../infrastructure/secure-kafka.ts';
import { kafkaTool, type LocalProgram } from '../infrastructure/local.ts';
import { install, type Installation } from './farhand.ts';

const USERS = ['sensor', 'reference', 'ingest', 'enrich', 'detect', 'chained', 'siem', 'privacy', 'operator', 'nobody'];
const PARTITIONS = 2;
const ANY: Right[] = [{ resource: 'Topic', name: 'any', pattern: 'literal', operation: 'Read' }];
let redis: LocalProgram;
let kafka: SecureKafka;
let farhand: Installation;
let roles: Role[];

beforeAll(async () => {
  kafka = await startSecureKafka(USERS);
  redis = await startSecureRedis(kafka.authority, ['user farhand on >redis-pw ~* &* +@all']);
  const secured = { url: redis.address, username: 'farhand', password: 'redis-pw', tls: { caFile: kafka.authority.caFile } };
  farhand = install(kafka.sasl, redis.address, PARTITIONS, { kafka: kafka.section('admin'), redis: secured, detect: { fleet: { enabled: false } } });
  const layouts = topicLayouts(farhand.topics);
  roles = rolesOf(farhand.topics, farhand.group, [farhand.topics.siemFindings], layouts);
  for (const role of roles) await kafka.allow(`User:${role.name}`, role.rights);
  await as('operator').run('topics');
  expect(await as('operator').run('topics', '--set-retention', 'deadLetter=3d')).toMatch(/dead-letter\.v1 +rejected records as they came +3 days +2048 MiB/);
  expect(await as('operator').run('topics', '--check'), 'the other settings stay').toContain('topics are as they should be');
});
afterAll(async () => {
  await farhand?.stop();
  await redis?.stop();
  await kafka?.stop();
});

/** From here on commands and workers come to Kafka as this user. */
function as(user: string): Installation {
  Object.assign(farhand.environment, { FARHAND_KAFKA_SASL_USERNAME: user, FARHAND_KAFKA_SASL_PASSWORD: `${user}-pw` });
  return farhand;
}

const open = (section: Record<string, unknown>): Promise<Log> => openKafkaLog(kafkaOptionsOf(kafkaSectionSchema.parse(section), systemClock));
const roleOf = (name: string): Role => roles.find((role) => role.name === name)!;
/** Who the broker takes the client for: the one to whom `right` was given just now. */
async function isKnownAs(log: Log, principal: string): Promise<boolean> {
  await kafka.allow(principal, ANY);
  try {
    await expect.poll(async () => (await log.admin.missingRights(ANY)).length, { timeout: 5_000 }).toBe(0);
    return true;
  } finally {
    await kafka.deny(principal, ANY);
    await expect.poll(async () => (await log.admin.missingRights(ANY)).length, { timeout: 5_000 }).toBe(1);
  }
}

test('PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 over TLS; a wrong password is said to be one', async () => {
  for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
    const section = kafka.section('nobody');
    const log = await open({ ...section, sasl: { mechanism, username: 'nobody', password: 'nobody-pw' } });
    expect(await isKnownAs(log, 'User:nobody'), mechanism).toBe(true);
    await log.close();
    const wrong = open({ ...section, sasl: { mechanism, username: 'nobody', password: 'wrong' } });
    await expect(wrong, mechanism).rejects.toMatchObject({ code: 'FARHAND_LOG_UNAVAILABLE', message: expect.stringMatching(/authentication/i) as string });
  }
});

test('OAUTHBEARER with a token out of a file, and from a token endpoint, which is asked once', async () => {
  const tokenFile = join(kafka.directory, 'token');
  writeFileSync(tokenFile, `${kafka.token('agent', 600)}\n`);
  const section = kafka.section('nobody');
  const fromFile = await open({ ...section, sasl: { mechanism: 'OAUTHBEARER', tokenFile } });
  expect(await isKnownAs(fromFile, 'User:agent')).toBe(true);
  writeFileSync(tokenFile, kafka.token('renewed', 600));
  expect(await isKnownAs(fromFile, 'User:renewed'), 'the file is read again').toBe(true);
  writeFileSync(tokenFile, kafka.token('expired', -600));
  await expect(fromFile.admin.missingRights(ANY)).rejects.toMatchObject({ code: 'FARHAND_LOG_UNAVAILABLE' });
  await fromFile.close();

  const asked: string[] = [];
  const issuer = createServer((request, response) => {
    let form = '';
    request.on('data', (chunk: Buffer) => (form += String(chunk)));
    request.on('end', () => {
      asked.push(`${request.headers.authorization} ${form}`);
      response.end(JSON.stringify({ access_token: kafka.token('client', 600), expires_in: 600 }));
    });
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  const tokenUrl = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/token`;
  const log = await open({ ...section, sasl: { mechanism: 'OAUTHBEARER', tokenUrl, clientId: 'farhand', clientSecret: 's3cret', scope: 'kafka' } });
  expect(await isKnownAs(log, 'User:client')).toBe(true);
  expect(asked).toEqual([`Basic ${Buffer.from('farhand:s3cret').toString('base64')} grant_type=client_credentials&scope=kafka`]);
  await log.close();
  issuer.close();
});

test('a client certificate, and another one that takes its place while the process runs', async () => {
  const [one, two] = [await kafka.authority.issue('worker-one'), await kafka.authority.issue('worker-two')];
  const [certFile, keyFile] = [join(kafka.directory, 'tls.crt'), join(kafka.directory, 'tls.key')];
  const put = (from: typeof one): void => {
    copyFileSync(from.certFile, certFile);
    copyFileSync(from.keyFile, keyFile);
  };
  put(one);
  const section = { brokers: [kafka.mtls], tls: { enabled: true, caFile: kafka.authority.caFile, certFile, keyFile } };
  const log = await open(section);
  expect(await isKnownAs(log, 'User:CN=worker-one')).toBe(true);
  put(two);
  expect(await isKnownAs(log, 'User:CN=worker-two')).toBe(true);
  await log.close();
  await expect(open({ ...section, tls: { enabled: true, caFile: kafka.authority.caFile } })).rejects.toMatchObject({ code: 'FARHAND_LOG_UNAVAILABLE' });
  await expect(open({ ...section, tls: { enabled: true } }), 'an authority that nobody named').rejects.toMatchObject({ code: 'FARHAND_LOG_UNAVAILABLE', message: expect.stringMatching(/certificate/i) as string });
});

test('a password file that is rotated is read at the next connection', async () => {
  const passwordFile = join(kafka.directory, 'password');
  writeFileSync(passwordFile, 'nobody-pw\n');
  const log = await open({ ...kafka.section('nobody'), sasl: { mechanism: 'SCRAM-SHA-512', username: 'nobody', passwordFile } });
  writeFileSync(passwordFile, 'not yet\n');
  await expect(log.admin.missingRights(ANY)).rejects.toMatchObject({ code: 'FARHAND_LOG_UNAVAILABLE' });
  writeFileSync(passwordFile, 'nobody-pw\n');
  expect(await log.admin.missingRights(ANY)).toEqual(ANY);
  await log.close();
});

test('each right that is taken away from a worker is named', async () => {
  for (const name of ['ingest', 'enrich', 'detect', 'chained']) {
    const { rights } = roleOf(name);
    const log = await open(kafka.section(name));
    await requireRights(log.admin, rights);
    for (const right of rights) {
      await kafka.deny(`User:${name}`, [right]);
      await expect.poll(() => requireRights(log.admin, rights).then(() => 'may', (error: unknown) => (error as Error).message), { timeout: 5_000 }).toBe(
        `this user lacks: ${rightText(right)} (what each service needs is listed by: farhand topics --acls)`,
      );
      await kafka.allow(`User:${name}`, [right]);
      await expect.poll(() => log.admin.missingRights(rights), { timeout: 5_000 }).toEqual([]);
    }
    await log.close();
  }
});

test('the three workers do their work with exactly the rights that are listed, and end with the name of one that is taken away', async () => {
  const fleet = (seed: number): string[] => ['simulate', '--kafka', '--seed', String(seed), '--workstations', '12', '--piloted', '3'];
  await as('admin').run(...fleet(3));
  const workers = { ingest: as('ingest').worker('ingest', 'i'), enrich: as('enrich').worker('enrich', 'e'), detect: as('detect').worker('detect', 'd') };
  const log = await open(kafka.section('admin'));
  const count = async (topic: string): Promise<number> => {
    let records = 0;
    for (let p = 0; p < PARTITIONS; p++) await log.readToEnd(topic, p, (batch: readonly LogRecord[]) => void (records += batch.length));
    return records;
  };
  const alive = (): string[] => Object.entries(workers).flatMap(([name, worker]) => (worker.exitStatus() === null ? [] : [name, worker.output().slice(-800)]));
  for (const topic of ['enriched', 'detectChangelog', 'suspiciousSessions', 'siemFindings'] as const) {
    await expect.poll(async () => [...alive(), (await count(farhand.topics[topic])) > 0], { timeout: 120_000, interval: 1_000 }).toEqual([true]);
  }
  await log.close();
  const report = join(kafka.directory, 'report.json');
  expect(await as('privacy').run('erase', '--tenant', 'acme', '--user', 'somebody', '--out', report)).toContain('removed: 0 keys of state');
  for (const [name, operation, topic] of [['detect', 'Write', 'detectChangelog'], ['ingest', 'Read', 'connection'], ['enrich', 'Read', 'networks']] as const) {
    const right: Right = { resource: 'Topic', name: farhand.topics[topic], pattern: 'literal', operation };
    await kafka.deny(`User:${name}`, [right]);
    if (name === 'detect') await as('admin').run(...fleet(4));
    await expect.poll(() => workers[name].exitStatus(), { timeout: 60_000 }).toBe(1);
    expect(workers[name].output()).toMatch(new RegExp(`FARHAND_FORBIDDEN.*${farhand.topics[topic].replaceAll('.', '\\.')}`));
    await kafka.allow(`User:${name}`, [right]);
  }
});

test('the kafka-acls commands that are printed give exactly these rights', async () => {
  const commands = aclText([roleOf('enrich')], 'kafka-acls', 'User:printed').split('\n').slice(1);
  const properties = join(kafka.directory, 'admin.properties');
  writeFileSync(properties, [
    'security.protocol=SASL_SSL', 'sasl.mechanism=SCRAM-SHA-512', 'ssl.truststore.type=PEM', `ssl.truststore.location=${kafka.authority.caFile}`,
    'sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="admin" password="admin-pw";', '',
  ].join('\n'));
  for (const command of commands) {
    const { stdout } = await promisify(execFile)('bash', ['-c', `kafka-acls() { printf '%s\\n' "$@"; }; ${command}`], { env: { BOOTSTRAP: kafka.sasl, ADMIN: properties } });
    await kafkaTool('org.apache.kafka.tools.AclCommand', stdout.trim().split('\n'));
  }
  const all = { resourceType: 1, resourcePatternType: 1, operation: 1, permissionType: 1 };
  const given = async (principal: string): Promise<string[]> => {
    const { resources } = await kafka.admin.describeAcls({ ...all, principal } as never);
    return resources.flatMap((r) => r.acls.map((acl) => `${r.resourceType} ${r.resourcePatternType} ${r.resourceName} ${acl.operation}`)).sort();
  };
  expect(await given('User:printed')).toEqual(await given('User:enrich'));
  expect((await given('User:printed')).length).toBe(roleOf('enrich').rights.length);
});
