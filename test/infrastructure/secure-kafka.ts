/**
 * A broker with everything switched on: TLS on every listener, SASL (PLAIN, SCRAM, OAUTHBEARER) on one and client
 * certificates on another, the authorizer, and no right for anybody but the broker and the administrator.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import kafkajs from 'kafkajs';
import { systemClock } from '#lib/kernel/clock.ts';
import { kafkaSectionSchema } from '#lib/kernel/config-sections.ts';
import { kafkaOptionsOf } from '#lib/log/kafka-section.ts';
import type { Right } from '#lib/log/log.ts';
import { createAuthority, type Authority } from './certificates.ts';
import { startKafka } from './local.ts';
import { freePorts } from './process.ts';

const AUDIENCE = 'kafka';
const ISSUER = 'https://issuer.test';

export interface SecureKafka {
  /** SASL_SSL. */
  readonly sasl: string;
  /** SSL with client certificates; the principal is the subject. */
  readonly mtls: string;
  readonly directory: string;
  readonly authority: Authority;
  /** The kafka section of a user (SCRAM-SHA-512; password `<user>-pw`). */
  section(user: string): Record<string, unknown>;
  token(subject: string, lifeS: number): string;
  admin: kafkajs.Admin;
  allow(principal: string, rights: readonly Right[]): Promise<void>;
  deny(principal: string, rights: readonly Right[]): Promise<void>;
  stop(): Promise<void>;
}

/** `users` have SCRAM credentials and PLAIN passwords (`<user>-pw`); `admin` is one of them and may do everything. */
export async function startSecureKafka(users: readonly string[]): Promise<SecureKafka> {
  const directory = mkdtempSync(join(tmpdir(), 'farhand-secure-'));
  const authority = await createAuthority(directory);
  const broker = await authority.issue('broker');
  const [saslPort, mtlsPort, controllerPort] = (await freePorts(3)) as [number, number, number];
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwks = join(directory, 'jwks.json');
  writeFileSync(jwks, JSON.stringify({ keys: [{ ...keys.publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'RS256' }] }));
  const everybody = ['admin', ...users];
  const scram = everybody.flatMap((user) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${user},password=${user}-pw]`]),
  );
  const kafka = await startKafka({
    formatArguments: scram,
    javaArguments: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${pathToFileURL(jwks).href}`],
    properties: properties({ saslPort, mtlsPort, controllerPort, store: broker.storeFile, caFile: authority.caFile, jwks, everybody }),
  });
  const sasl = `127.0.0.1:${saslPort}`;
  const section = (user: string): Record<string, unknown> => ({
    brokers: [sasl],
    tls: { enabled: true, caFile: authority.caFile },
    sasl: { mechanism: 'SCRAM-SHA-512', username: user, password: `${user}-pw` },
  });
  const { ssl, sasl: credentials } = kafkaOptionsOf(kafkaSectionSchema.parse(section('admin')), systemClock);
  const admin = new kafkajs.Kafka({ brokers: [sasl], ssl: ssl!, sasl: credentials!, logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  return {
    sasl,
    mtls: `127.0.0.1:${mtlsPort}`,
    directory,
    authority,
    section,
    token: (subject, lifeS) => jwt(keys.privateKey, subject, lifeS),
    admin,
    allow: async (principal, rights) => {
      if (rights.length > 0) await admin.createAcls({ acl: rights.map((right) => aclOf(principal, right)) });
    },
    deny: async (principal, rights) => void (await admin.deleteAcls({ filters: rights.map((right) => aclOf(principal, right)) })),
    stop: async () => {
      await admin.disconnect();
      await kafka.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

interface Listeners {
  readonly saslPort: number;
  readonly mtlsPort: number;
  readonly controllerPort: number;
  readonly store: string;
  readonly caFile: string;
  readonly jwks: string;
  readonly everybody: readonly string[];
}

function properties({ saslPort, mtlsPort, controllerPort, store, caFile, jwks, everybody }: Listeners): string[] {
  const logins = 'org.apache.kafka.common.security';
  const passwords = everybody.map((user) => `user_${user}="${user}-pw"`).join(' ');
  return [
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    `listeners=SASL://127.0.0.1:${saslPort},MTLS://127.0.0.1:${mtlsPort},CONTROLLER://127.0.0.1:${controllerPort}`,
    'listener.security.protocol.map=SASL:SASL_SSL,MTLS:SSL,CONTROLLER:SSL',
    'inter.broker.listener.name=MTLS',
    ...['keystore', 'truststore'].flatMap((kind) => [`ssl.${kind}.type=PEM`, `ssl.${kind}.location=${kind === 'keystore' ? store : caFile}`]),
    'listener.name.mtls.ssl.client.auth=required',
    'listener.name.controller.ssl.client.auth=required',
    'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    `listener.name.sasl.plain.sasl.jaas.config=${logins}.plain.PlainLoginModule required ${passwords};`,
    ...['scram-sha-256', 'scram-sha-512'].map((mechanism) => `listener.name.sasl.${mechanism}.sasl.jaas.config=${logins}.scram.ScramLoginModule required;`),
    `listener.name.sasl.oauthbearer.sasl.jaas.config=${logins}.oauthbearer.OAuthBearerLoginModule required;`,
    `listener.name.sasl.oauthbearer.sasl.server.callback.handler.class=${logins}.oauthbearer.OAuthBearerValidatorCallbackHandler`,
    `sasl.oauthbearer.jwks.endpoint.url=${pathToFileURL(jwks).href}`,
    `sasl.oauthbearer.expected.audience=${AUDIENCE}`,
    `sasl.oauthbearer.expected.issuer=${ISSUER}`,
    'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found=false',
    'super.users=User:CN=broker;User:admin',
  ];
}

function jwt(key: Parameters<typeof sign>[2], subject: string, lifeS: number): string {
  const nowS = Math.floor(systemClock.nowMs() / 1_000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: subject, scope: 'kafka', iat: nowS, exp: nowS + lifeS };
  const signed = `${part({ alg: 'RS256', typ: 'JWT', kid: 'k1' })}.${part(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

const { AclResourceTypes, AclOperationTypes, AclPermissionTypes, ResourcePatternTypes } = kafkajs;
const RESOURCE = { Topic: AclResourceTypes.TOPIC, Group: AclResourceTypes.GROUP, TransactionalId: AclResourceTypes.TRANSACTIONAL_ID, Cluster: AclResourceTypes.CLUSTER };
const OPERATION: Record<Right['operation'], kafkajs.AclOperationTypes> = {
  Read: AclOperationTypes.READ, Write: AclOperationTypes.WRITE, Create: AclOperationTypes.CREATE, Delete: AclOperationTypes.DELETE,
  Describe: AclOperationTypes.DESCRIBE, DescribeConfigs: AclOperationTypes.DESCRIBE_CONFIGS, AlterConfigs: AclOperationTypes.ALTER_CONFIGS,
};

function aclOf(principal: string, { resource, name, pattern, operation }: Right) {
  return {
    resourceType: RESOURCE[resource],
    resourceName: name,
    resourcePatternType: pattern === 'prefix' ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
    principal,
    host: '*',
    operation: OPERATION[operation],
    permissionType: AclPermissionTypes.ALLOW,
  };
}
