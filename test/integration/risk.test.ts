/** `farhand risk` on real Kafka and Redis: findings become answers for policy points, in any order and after a restart. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { encodeFramed } from '#lib/codec/encode.ts';
import { SAMPLE_RECORDS } from '#lib/codec/sample-records.ts';
import type { Log } from '#lib/log/log.ts';
import type { SuspiciousSession } from '#schemas/records.ts';
import { kafkaLog } from '../infrastructure/logs.ts';
import { waitForOutput, type Started } from '../infrastructure/process.ts';
import { install, type Installation } from './farhand.ts';

const brokers = inject('kafkaBrokers');
const redis = inject('redisUrl');
const sha256 = (token: string): string => createHash('sha256').update(token).digest('hex');

describe.skipIf(brokers === null || redis === null)('farhand risk', () => {
  let farhand: Installation;
  let log: Log;
  let url: string;
  let tokensFile: string;

  async function begin(name: string): Promise<Started> {
    const worker = farhand.worker('risk', name);
    await waitForOutput(worker, /"event":"risk\.listening"/, 60_000);
    const [, port] = /"event":"risk\.listening"[^\n]*"port":(\d+)/.exec(worker.output())!;
    url = `http://127.0.0.1:${port}`;
    await waitForOutput(worker, /"event":"task\.started"[^\n]*"task":1/, 60_000);
    return worker;
  }

  async function publish(...findings: Partial<SuspiciousSession>[]): Promise<void> {
    const records = findings.map((finding) => {
      const whole: SuspiciousSession = { ...SAMPLE_RECORDS.SuspiciousSession, tenantId: 'acme', sessionId: 's-1', deviceId: 'd-1', status: 'OPENED', closedAs: null, ...finding };
      return { topic: farhand.topics.suspiciousSessions, partition: null, key: Buffer.from(`${whole.tenantId}|${whole.userId}`), value: encodeFramed('SuspiciousSession', whole), timestampMs: whole.windowEnd };
    });
    await log.append(records);
  }

  const ask = async (path: string, token = 'one'): Promise<{ status: number; body: { riskScore?: number; severity?: string | null; findings?: { revision: number }[] } }> => {
    const response = await fetch(`${url}/v1/risk/${path}`, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, body: (await response.json()) as object };
  };

  beforeAll(async () => {
    farhand = install(brokers!, redis!, 2, { risk: { port: 0, tokensFile: 'set below', tokensPollMs: 100 } });
    tokensFile = join(farhand.directory, 'tokens.yaml');
    writeFileSync(tokensFile, `tokens:\n  - { name: gateway, sha256: ${sha256('one')}, tenants: [acme] }\n`);
    process.env['FARHAND_RISK_TOKENS_FILE'] = tokensFile;
    log = await kafkaLog(brokers!);
    await farhand.run('topics');
  }, 120_000);
  afterAll(async () => {
    delete process.env['FARHAND_RISK_TOKENS_FILE'];
    await log?.close();
    await farhand?.stop();
  });

  test('answers with the newest revision, also after a restart that reads old ones again', async () => {
    const worker = await begin('one');
    expect(await ask('acme/s-1')).toMatchObject({ status: 200, body: { riskScore: 0, findings: [] } });
    await publish({ revision: 2, riskScore: 72, severity: 'HIGH' }, { revision: 1, riskScore: 40, severity: 'LOW' });
    await expect.poll(() => ask('acme/s-1'), { timeout: 15_000 }).toMatchObject({ body: { riskScore: 72, severity: 'HIGH', findings: [{ revision: 2 }] } });
    expect(await ask('acme/device/d-1')).toMatchObject({ body: { riskScore: 72 } });
    expect(await ask('other/s-1')).toMatchObject({ status: 403 });
    await worker.stop();
    expect(worker.exitStatus()).toBe(0);
    const again = await begin('again');
    expect(await ask('acme/s-1')).toMatchObject({ body: { riskScore: 72 } });
    await publish({ revision: 3, riskScore: 72, severity: 'HIGH', status: 'CLOSED', closedAs: 'BENIGN' }, { revision: 2, riskScore: 72, severity: 'HIGH' });
    await expect.poll(() => ask('acme/s-1'), { timeout: 15_000 }).toMatchObject({ body: { riskScore: 0, findings: [] } });
    expect(again.output()).not.toMatch(/acme|s-1|d-1/);
  });

  test('takes over new tokens while it runs, and keeps the old ones where the file is damaged', async () => {
    writeFileSync(tokensFile, `tokens:\n  - { name: rotated, sha256: ${sha256('two')}, tenants: '*' }\n`);
    await expect.poll(async () => (await ask('other/s-1', 'two')).status, { timeout: 5_000 }).toBe(200);
    expect((await ask('acme/s-1', 'one')).status).toBe(401);
    writeFileSync(tokensFile, 'tokens: nothing of use here\n');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await ask('acme/s-1', 'two')).status).toBe(200);
  });

  test('does not start without a usable file of tokens', async () => {
    await expect(farhand.run('risk')).rejects.toThrow(/FARHAND_CONFIG_INVALID: risk\.tokensFile/);
    process.env['FARHAND_RISK_TOKENS_FILE'] = '';
    await expect(farhand.run('risk', '--config', join(farhand.directory, 'nowhere.yaml'))).rejects.toThrow(/cannot be read/);
  });
});
