/** The sections that every worker shares: kafka, topics, registry, redis, state, observe, privacy. Services add their own. */
import { z } from 'zod';

const MEBIBYTE = 1024 * 1024;

const text = (least = 1, most = 4096) => z.string().min(least).max(most);
const optionalText = (description: string) => text().nullable().default(null).describe(description);
const secret = (description: string) => text().nullable().default(null).describe(description).meta({ secret: true });
const durationMs = (least: number, most: number, value: number, description: string) =>
  z.int().min(least).max(most).default(value).describe(description);

/** Text of a form that is said in words. */
const shaped = (pattern: RegExp, allowed: string) => z.string().regex(pattern, `allowed is ${allowed}`).meta({ allowed });

const broker = shaped(/^(\[[0-9A-Fa-f:.]+\]|[^\s:/,[\]]+):([1-9]\d{0,4})$/, 'host:port');

const saslSchema = z
  .strictObject({
    mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER']).nullable().default(null).describe('SASL mechanism; null for none.'),
    username: optionalText('SASL user name.'),
    password: secret('SASL password; a file is better.'),
    passwordFile: optionalText('File that holds the SASL password; read again for every connection.'),
    tokenFile: optionalText('OAUTHBEARER: file that holds the token (a JWT that something else renews); read again for every connection.'),
    tokenUrl: shaped(/^https?:\/\/[^\s]+$/, 'a URL that begins with http:// or https://')
      .nullable()
      .default(null)
      .describe('OAUTHBEARER: token endpoint of the identity provider (OAuth 2.0 client credentials).'),
    clientId: optionalText('OAUTHBEARER with tokenUrl: client id.'),
    clientSecret: secret('OAUTHBEARER with tokenUrl: client secret; a file is better.'),
    clientSecretFile: optionalText('File that holds the client secret; read again for every token.'),
    scope: optionalText('OAUTHBEARER with tokenUrl: scope that is asked for.'),
  })
  .refine((sasl) => sasl.password === null || sasl.passwordFile === null, { message: 'give password or passwordFile, not both' })
  .refine((sasl) => sasl.clientSecret === null || sasl.clientSecretFile === null, { message: 'give clientSecret or clientSecretFile, not both' })
  .refine((sasl) => sasl.mechanism === null || sasl.mechanism === 'OAUTHBEARER' || (sasl.username !== null && (sasl.password ?? sasl.passwordFile) !== null), {
    message: 'mechanism needs username, and password or passwordFile',
  })
  .refine((sasl) => sasl.mechanism !== 'OAUTHBEARER' || (sasl.tokenFile === null) !== (sasl.tokenUrl === null), {
    message: 'OAUTHBEARER needs tokenFile or tokenUrl, one of them',
  })
  .refine((sasl) => sasl.tokenUrl === null || (sasl.clientId !== null && (sasl.clientSecret ?? sasl.clientSecretFile) !== null), {
    message: 'tokenUrl needs clientId, and clientSecret or clientSecretFile',
  });

const tlsSchema = (description: string) =>
  z
    .strictObject({
      enabled: z.boolean().default(false).describe(description),
      caFile: optionalText('Certificates (PEM) that are trusted instead of the well-known ones.'),
      certFile: optionalText('Certificate (PEM) that this side shows.'),
      keyFile: optionalText('Key (PEM) of certFile.'),
    })
    .refine((tls) => (tls.certFile === null) === (tls.keyFile === null), { message: 'certFile and keyFile go together' })
    .refine((tls) => tls.enabled || (tls.caFile ?? tls.certFile) === null, { message: 'caFile and certFile need enabled: true' });

export const kafkaSectionSchema = z
  .strictObject({
    brokers: z.array(broker).min(1).max(100).default(['127.0.0.1:9092']).describe('Brokers to begin with (host:port). Alias: KAFKA_BROKERS.'),
    clientId: text(1, 200).default('farhand').describe('Name of this client in the logs and quotas of the broker.'),
    groupIdPrefix: shaped(/^[A-Za-z0-9._-]{1,200}$/, '1 to 200 letters, digits, dots, dashes and underscores')
      .default('farhand')
      .describe('Consumer groups are <prefix>-<service>, transactional ids <prefix>-<service>-<partition>: one prefix per installation.'),
    workerId: optionalText("Name of this worker, unique in its group and the same after a restart, so that it gets its tasks back; null: the host's name."),
    tls: tlsSchema('TLS to the brokers.').prefault({}).describe('TLS.'),
    sasl: saslSchema.prefault({}).describe('SASL.'),
    commitIntervalMs: durationMs(10, 10_000, 100, 'Longest time that finished work waits for its transaction to be committed, ms.'),
    transactionTimeoutMs: durationMs(
      1_000,
      15_000,
      15_000,
      'After which the broker aborts the open transaction of a worker that has gone, ms. Readers of committed records wait that long: at most 15 s.',
    ),
    drainTimeoutMs: durationMs(100, 60_000, 5_000, 'How long a worker may finish what is under way when it has to give up a task or stop, ms.'),
    sessionTimeoutMs: durationMs(6_000, 120_000, 15_000, 'After which the group gives the tasks of a silent worker to others, ms.'),
    heartbeatIntervalMs: durationMs(100, 30_000, 2_000, 'Pause between heartbeats to the group, ms.'),
    fetchWaitMs: durationMs(5, 5_000, 100, 'How long a broker may hold an answer back when there is nothing to read, ms.'),
    fetchBytesMax: z.int().min(65_536).max(256 * MEBIBYTE).default(16 * MEBIBYTE).describe('Most bytes of one answer of a broker.'),
    partitionBytesMax: z.int().min(65_536).max(64 * MEBIBYTE).default(MEBIBYTE).describe('Most bytes of one partition in an answer of a broker.'),
    prefetchBytesMax: z
      .int()
      .min(65_536)
      .max(256 * MEBIBYTE)
      .default(4 * MEBIBYTE)
      .describe('Bytes that may wait in memory per partition, packed as they were fetched; while more waits, nothing is fetched (back-pressure).'),
    compression: z
      .enum(['zstd', 'none'])
      .default('zstd')
      .describe('How batches are packed that are written; all that is known is read. none: less CPU here, more bytes on the network and on the disks of the brokers.'),
    batchRecordsMax: z.int().min(1).max(100_000).default(2_000).describe('Most records that a task processes at once.'),
  })
  .refine((kafka) => kafka.heartbeatIntervalMs * 3 <= kafka.sessionTimeoutMs, {
    message: 'sessionTimeoutMs must be at least three times heartbeatIntervalMs',
    path: ['sessionTimeoutMs'],
  })
  .refine((kafka) => kafka.commitIntervalMs + kafka.drainTimeoutMs <= kafka.transactionTimeoutMs, {
    message: 'commitIntervalMs + drainTimeoutMs must not exceed transactionTimeoutMs: the broker would abort what is being finished',
    path: ['transactionTimeoutMs'],
  })
  .refine((kafka) => kafka.partitionBytesMax <= kafka.fetchBytesMax, {
    message: 'partitionBytesMax must not exceed fetchBytesMax',
    path: ['partitionBytesMax'],
  });

const topicName = (name: string, description: string) =>
  shaped(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/, '1 to 249 letters, digits, dots, dashes and underscores')
    .default(name)
    .describe(description);

/** Names as contract section 5 gives them. */
export const topicsSectionSchema = z
  .strictObject({
    keystrokeLatency: topicName('telemetry.keystroke-latency.v1', 'KeystrokeLatency records, from the sensors.'),
    connection: topicName('telemetry.connection.v1', 'Connection records, from the sensors.'),
    events: topicName('farhand.events.v1', 'Valid events without repeats, keyed by tenant and user.'),
    enriched: topicName('farhand.enriched.v1', 'Enriched events.'),
    suspiciousSessions: topicName('farhand.suspicious-sessions.v1', 'Findings (Avro).'),
    siemFindings: topicName('siem.findings.v1', 'Findings (JSON), for the SIEM.'),
    deadLetter: topicName('farhand.dead-letter.v1', 'Rejected records with their reason.'),
    devices: topicName('reference.devices.v1', 'DeviceAssignment records (compacted).'),
    vantages: topicName('reference.vantages.v1', 'Vantage records (compacted).'),
    networks: topicName('reference.networks.v1', 'NetworkPolicy records (compacted).'),
    feedback: topicName('reference.feedback.v1', 'Feedback records (compacted).'),
    erasures: topicName('farhand.erasures.v1', 'Requests to erase a person (JSON), keyed by tenant and user: farhand erase.'),
    erasureReceipts: topicName('farhand.erasure-receipts.v1', 'What each task removed for a request (JSON).'),
    fleetReports: topicName('farhand.fleet-reports.v1', 'What people report to the exchange between people (internal), keyed by subject.'),
    fleetFacts: topicName('farhand.fleet-facts.v1', 'What the exchange answers (internal), keyed by tenant and user.'),
    fleetChangelog: topicName('farhand.fleet-changelog.v1', 'State of the tasks of the exchange (compacted).'),
    ingestProgress: topicName('farhand.ingest-progress.v1', 'How far each task of ingest is, for the others (JSON, internal); empty where telemetry is keyed by tenant and user.'),
    ingestChangelog: topicName('farhand.ingest-changelog.v1', 'State of the ingest tasks (compacted).'),
    detectChangelog: topicName('farhand.detect-changelog.v1', 'State of the detect tasks (compacted).'),
    chainedChangelog: topicName('farhand.chained-changelog.v1', 'State of the tasks of farhand embedded --kafka (compacted).'),
    partitions: z
      .int()
      .min(1)
      .max(10_000)
      .default(12)
      .describe('Partitions of the telemetry, event, enriched and changelog topics; each is one task per service. Not to be changed while there is state.'),
    referencePartitions: z.int().min(1).max(1_000).default(1).describe('Partitions of the reference topics.'),
    replicationFactor: z.int().min(-1).max(10).default(-1).describe("Copies of each partition; -1: the broker's default.").refine((value) => value !== 0, {
      message: 'allowed is -1 or an integer from 1 to 10',
    }),
  })
  .superRefine((topics, context) => {
    const seen = new Map<string, string>();
    for (const [key, name] of Object.entries(topics)) {
      if (typeof name !== 'string') continue;
      const other = seen.get(name);
      if (other !== undefined) context.addIssue({ code: 'custom', path: [key], message: `two topics of one name: ${other} has it too` });
      seen.set(name, key);
    }
  });

const httpUrl = shaped(/^https?:\/\/[^\s]+$/, 'a URL that begins with http:// or https://');

export const registrySectionSchema = z
  .strictObject({
    url: httpUrl.nullable().default(null).describe('Schema registry (Confluent REST API); null: no registry, the schemas and fixed ids of this release.'),
    username: optionalText('User name of the registry.'),
    password: secret('Password of the registry; a file is better.'),
    passwordFile: optionalText('File that holds the password of the registry; read again for every request.'),
    requestTimeoutMs: durationMs(100, 60_000, 5_000, 'Longest wait for one answer of the registry, ms.'),
    schemasMax: z.int().min(10).max(100_000).default(1_000).describe('Most writer schemas that are kept in memory.'),
    registerSchemas: z.boolean().default(true).describe('Register the schemas that are written; false: they must be there already.'),
  })
  .refine((registry) => registry.password === null || registry.passwordFile === null, { message: 'give password or passwordFile, not both' })
  .refine((registry) => (registry.username === null) === ((registry.password ?? registry.passwordFile) === null), {
    message: 'username and password (or passwordFile) go together',
  });

const redisUrl = shaped(/^rediss?:\/\/[^\s]+$/, 'redis://host:port/db or rediss://host:port/db (with TLS)');

export const redisSectionSchema = z
  .strictObject({
    url: redisUrl.default('redis://127.0.0.1:6379').describe('Redis with the reference data; rediss:// for TLS. Alias: REDIS_URL.'),
    username: optionalText('User name (ACL) of Redis.'),
    password: secret('Password of Redis; a file is better.'),
    passwordFile: optionalText('File that holds the password of Redis; read again for every connection.'),
    tls: z
      .strictObject({
        caFile: optionalText('Certificates (PEM) that are trusted instead of the well-known ones.'),
        certFile: optionalText('Certificate (PEM) that this side shows.'),
        keyFile: optionalText('Key (PEM) of certFile.'),
      })
      .refine((tls) => (tls.certFile === null) === (tls.keyFile === null), { message: 'certFile and keyFile go together' })
      .prefault({})
      .describe('TLS of rediss:// URLs.'),
    keyPrefix: shaped(/^[A-Za-z0-9._-]{1,64}$/, '1 to 64 letters, digits, dots, dashes and underscores')
      .default('farhand')
      .describe('First part of every key.'),
    nearCacheEntriesMax: z
      .int()
      .min(100)
      .max(50_000_000)
      .default(200_000)
      .describe('Bound of the near cache, entries; a device, a session, a vantage or a tenant is one (about 1 kB each).'),
    connectTimeoutMs: durationMs(50, 60_000, 2_000, 'Longest time to connect, ms.'),
    commandTimeoutMs: durationMs(50, 60_000, 2_000, 'Longest wait for the answer to one command, ms; then the connection is given up.'),
    waitMsMax: durationMs(10, 60_000, 1_000, 'How long a batch waits for a connection before it is tried again from its beginning, ms.'),
    heartbeatMs: durationMs(50, 60_000, 1_000, 'Pause between two signs of life, ms. A stale entry lives at most heartbeatMs + commandTimeoutMs.'),
  })
  .refine((redis) => redis.password === null || redis.passwordFile === null, { message: 'give password or passwordFile, not both' })
  .refine((redis) => redis.url.startsWith('rediss:') || (redis.tls.caFile ?? redis.tls.certFile) === null, {
    message: 'tls files need a rediss:// URL',
    path: ['tls'],
  });

const tracesSchema = z.strictObject({
  enabled: z.boolean().default(false).describe('Hand spans of batches, commits and restores to an OpenTelemetry collector.'),
  url: httpUrl.default('http://127.0.0.1:4318/v1/traces').describe('Where the collector takes OTLP over HTTP.'),
  sampleRatio: z.number().min(0).max(1).default(0.1).describe('Which part of the transactions is traced, 0 to 1.'),
  queueSpansMax: z.int().min(64).max(1_000_000).default(4_096).describe('Most spans that wait to be handed over; more are dropped.'),
  exportTimeoutMs: durationMs(100, 60_000, 5_000, 'Longest wait for the collector, ms.'),
});

export const stateSectionSchema = z.strictObject({
  directory: optionalText(
    'Directory on a local disk for checkpoints of the state of tasks, so that a worker that is started again on the same disk reads only the end of the changelog; null: none are kept, and all of the changelog is read. The files hold the state of people in the clear: only the user of the worker may read them, and those that nobody has replaced for checkpointAgeMsMax are removed.',
  ),
  checkpointIntervalMs: durationMs(1_000, 3_600_000, 60_000, 'Pause between two checkpoints of a task, ms.'),
  checkpointAgeMsMax: durationMs(
    60_000,
    604_800_000,
    43_200_000,
    "Oldest checkpoint that is used, ms. At most half of the changelog topic's delete.retention.ms (24 h by default): what was forgotten longer ago would come back.",
  ),
});

export const observeSectionSchema = z
  .strictObject({
    host: text(1, 255).default('127.0.0.1').describe('Address on which metrics and health are served; 0.0.0.0 for all.'),
    port: z.int().min(0).max(65_535).default(9464).describe('Port of /metrics, /healthz and /readyz; 0 for any free one.'),
    enabled: z.boolean().default(true).describe('Serve metrics and health.'),
    token: secret('Bearer token that /metrics asks for; a file is better. Health and readiness ask for none.'),
    tokenFile: optionalText('File that holds the bearer token; read again for every request.'),
    stuckMsMax: durationMs(45_000, 3_600_000, 120_000, 'How long a task may have work in hand without getting anywhere before /healthz answers 503, ms.'),
    eventLoopMsMax: durationMs(10, 60_000, 1_000, 'How late half of the turns of the event loop may be before /healthz answers 503, ms.'),
    traces: tracesSchema.prefault({}).describe('OpenTelemetry.'),
    logLevel: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info').describe('Least level that is logged.'),
  })
  .refine((observe) => observe.token === null || observe.tokenFile === null, { message: 'give token or tokenFile, not both' });

const pseudonymKey = {
  keyId: z
    .string()
    .regex(/^[A-Za-z0-9_.]{1,32}$/, 'allowed are 1 to 32 letters, digits, dots and underscores')
    .describe('Name of the key; it is part of every pseudonym, so that a rotation shows.'),
  keyHex: z
    .string()
    .regex(/^(?:[0-9a-fA-F]{2}){16,}$/, 'allowed are at least 32 hexadecimal digits, an even number')
    .optional()
    .describe('The secret key, hexadecimal, at least 16 bytes (make one with: openssl rand -hex 32).')
    .meta({ secret: true }),
  keyFile: z.string().min(1).optional().describe('A file that holds the secret key in the form of keyHex.'),
};
const oneKey = (value: { keyHex?: string | undefined; keyFile?: string | undefined }): boolean => (value.keyHex === undefined) !== (value.keyFile === undefined);
const ONE_KEY = { message: 'exactly one of keyHex and keyFile is needed' };

const pseudonymSchema = z
  .strictObject({
    ...pseudonymKey,
    retired: z
      .array(z.strictObject(pseudonymKey).refine(oneKey, ONE_KEY))
      .max(100)
      .optional()
      .describe('Keys of before: nothing is named by them any more, but their pseudonyms can still be resolved and erased.'),
  })
  .refine(oneKey, ONE_KEY)
  .refine(({ keyId, retired = [] }) => new Set([keyId, ...retired.map((key) => key.keyId)]).size === retired.length + 1, { message: 'every key needs a keyId of its own' });

/** Shared, as the events and the reference data must name a person alike. */
export const privacySectionSchema = z.strictObject({
  pseudonyms: z
    .record(z.string().min(1).max(256), pseudonymSchema)
    .default({})
    .describe('Tenants that want their userId replaced by a keyed pseudonym (HMAC-SHA-256), by tenantId.'),
  accessLog: text().optional().describe('File to which every re-identification is appended (farhand reidentify); without it nobody is re-identified.'),
});

/** To be spread into `defineConfig({ ...sharedSections, detect: detectConfigSchema })`. */
export const sharedSections = {
  kafka: kafkaSectionSchema,
  topics: topicsSectionSchema,
  registry: registrySectionSchema,
  redis: redisSectionSchema,
  state: stateSectionSchema,
  observe: observeSectionSchema,
  privacy: privacySectionSchema,
} as const;

export type KafkaSection = Readonly<z.output<typeof kafkaSectionSchema>>;
export type TopicsSection = Readonly<z.output<typeof topicsSectionSchema>>;
export type RegistrySection = Readonly<z.output<typeof registrySectionSchema>>;
export type RedisSection = Readonly<z.output<typeof redisSectionSchema>>;
export type StateSection = Readonly<z.output<typeof stateSectionSchema>>;
export type ObserveSection = Readonly<z.output<typeof observeSectionSchema>>;
/** As it may be given: what has a default may be absent. */
export interface PrivacySection {
  readonly pseudonyms: Readonly<Record<string, z.input<typeof pseudonymSchema>>>;
  readonly accessLog?: string | undefined;
}
