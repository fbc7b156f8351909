import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import { Metrics } from '#lib/observe/metrics.ts';
import { answerOf } from './risk.ts';
import { riskServerMetrics, startRiskServer, subjectOf, type RiskServer } from './server.ts';
import { entry, memoryRisk } from './test-entries.ts';
import { Tokens } from './tokens.ts';

const sha256 = (token: string): string => createHash('sha256').update(token).digest('hex');

test('the gravest of what is open, or was confirmed, is the answer; what expired or was called benign speaks against nobody', () => {
  expect(answerOf([])).toEqual({ riskScore: 0, severity: null, recommendation: null, findings: [] });
  const open = entry({ findingId: 'a', riskScore: 55, severity: 'HIGH', recommendation: 'OBSERVE' });
  const other = entry({ findingId: 'b', riskScore: 70, severity: 'MEDIUM', recommendation: 'STEP_UP' });
  const expired = entry({ findingId: 'c', riskScore: 99, severity: 'CRITICAL', status: 'CLOSED', closedAs: 'EXPIRED' });
  const benign = entry({ findingId: 'd', riskScore: 98, status: 'CLOSED', closedAs: 'BENIGN' });
  expect(answerOf([open, expired, other, benign])).toEqual({ riskScore: 70, severity: 'HIGH', recommendation: 'STEP_UP', findings: [other, open] });
  const confirmed = entry({ findingId: 'e', riskScore: 90, severity: 'CRITICAL', recommendation: 'ISOLATE', status: 'CLOSED', closedAs: 'CONFIRMED' });
  expect(answerOf([open, confirmed])).toMatchObject({ riskScore: 90, severity: 'CRITICAL', recommendation: 'ISOLATE' });
});

test('paths are read as they are written: encoded, bounded, nothing else', () => {
  expect(subjectOf('/v1/risk/acme/s-1')).toEqual({ tenantId: 'acme', sessionId: 's-1' });
  expect(subjectOf('/v1/risk/acme/device/d%2F1?x=1')).toEqual({ tenantId: 'acme', deviceId: 'd/1' });
  expect(subjectOf('/v1/risk/acme/device')).toEqual({ tenantId: 'acme', sessionId: 'device' });
  expect(subjectOf(`/v1/risk/acme/${'x'.repeat(256)}`)).toEqual({ tenantId: 'acme', sessionId: 'x'.repeat(256) });
  for (const url of [`/v1/risk/acme/${'x'.repeat(257)}`, '/v1/risk//s', '/v1/risk/acme/', '/v1/risk/%ff/s', '/v1/risk/acme/device/']) expect(subjectOf(url), url).toBe('malformed');
  for (const url of ['/', '/v1/risk', '/v1/risk/a', '/v1/risk/a/b/c', '/v1/risk/a/device/b/c', '/v2/risk/a/b', '/v1/risk/a/../b/c/d']) expect(subjectOf(url), url).toBeNull();
});

describe('with a file of tokens', () => {
  let directory: string;
  let file: string;
  let server: RiskServer | null = null;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'farhand-risk-'));
    file = join(directory, 'tokens.yaml');
  });
  afterEach(async () => {
    await server?.close();
    server = null;
    rmSync(directory, { recursive: true, force: true });
  });
  const write = (...tokens: [string, string | string[]][]): void => {
    writeFileSync(file, JSON.stringify({ tokens: tokens.map(([token, tenants], i) => ({ name: `point-${i}`, sha256: sha256(token), tenants })) }));
  };

  test('each opens its own tenants; a change is taken over, one that is damaged is refused', () => {
    write(['one', ['acme']], ['all', '*']);
    const tokens = Tokens.open(file);
    expect(['acme', 'other'].map((tenant) => tokens.check('one', tenant))).toEqual(['granted', 'other tenant']);
    expect(['acme', 'other'].map((tenant) => tokens.check('all', tenant))).toEqual(['granted', 'granted']);
    for (const wrong of ['', 'on', 'one ', sha256('one')]) expect(tokens.check(wrong, 'acme')).toBe('unknown token');
    expect(tokens.refresh()).toBe(false);
    write(['two, which is longer', ['acme']]);
    expect(tokens.refresh()).toBe(true);
    expect([tokens.check('one', 'acme'), tokens.check('two, which is longer', 'acme')]).toEqual(['unknown token', 'granted']);
    writeFileSync(file, 'tokens: []');
    expect(() => tokens.refresh()).toThrow(/risk\.tokensFile/);
    rmSync(file);
    expect(() => tokens.refresh()).toThrow(/ENOENT/);
    expect(tokens.check('two, which is longer', 'acme')).toBe('granted');
  });

  test('a file that cannot be used is refused, and what stands in it is not repeated', () => {
    const secret = 'a-token-where-its-hash-belongs';
    const hash = sha256('x');
    for (const text of ['', '{', 'tokens: x', `tokens: [{name: a, sha256: ${secret}, tenants: '*'}]`, `tokens: [{name: a, sha256: ${hash}, tenants: []}]`, `tokens: [{name: a, sha256: ${hash}, tenants: '*'}, {name: b, sha256: ${hash}, tenants: '*'}]`]) {
      writeFileSync(file, text);
      const refused = expect(() => Tokens.open(file), text);
      refused.toThrow(expect.objectContaining({ code: 'FARHAND_CONFIG_INVALID', message: expect.not.stringContaining(secret) as string }));
    }
  });

  async function serve() {
    write(['one', ['acme']], ['all', '*']);
    const metrics = new Metrics('risk', 'one');
    const store = memoryRisk([{ tenantId: 'acme', entry: entry() }, { tenantId: 'other', entry: entry({ riskScore: 91, severity: 'CRITICAL' }) }]);
    const section = { host: '127.0.0.1', port: 0, connectionsMax: 10, requestTimeoutMs: 5_000 };
    server = await startRiskServer({ section, tls: null, tokens: Tokens.open(file), store, clock: systemClock, metrics: riskServerMetrics(metrics) });
    const url = `http://127.0.0.1:${server.port}`;
    const get = async (path: string, authorization?: string, method = 'GET') => {
      const response = await fetch(`${url}${path}`, { method, headers: authorization === undefined ? {} : { authorization } });
      return { status: response.status, body: method === 'HEAD' ? null : ((await response.json()) as object), headers: response.headers };
    };
    return { get, store, metrics };
  }

  test('a policy point gets the risk of its own tenants only', async () => {
    const { get, store, metrics } = await serve();
    expect(await get('/v1/risk/acme/s-1', 'Bearer one')).toMatchObject({ status: 200, body: { tenantId: 'acme', sessionId: 's-1', riskScore: 60, severity: 'MEDIUM', recommendation: 'STEP_UP', findings: [{ findingId: 'f-1', revision: 1 }] } });
    expect(await get('/v1/risk/acme/device/d-1', 'bearer one')).toMatchObject({ status: 200, body: { deviceId: 'd-1', riskScore: 60 } });
    expect(await get('/v1/risk/acme/s-2', 'Bearer one')).toMatchObject({ status: 200, body: { riskScore: 0, severity: null, recommendation: null, findings: [] } });
    expect(await get('/v1/risk/other/s-1', 'Bearer one')).toMatchObject({ status: 403 });
    expect(await get('/v1/risk/other/s-1', 'Bearer all')).toMatchObject({ status: 200, body: { riskScore: 91 } });
    for (const header of [undefined, 'one', 'Basic b25l', 'Bearer', 'Bearer two', 'Bearer o ne']) {
      const { status, headers, body } = await get('/v1/risk/acme/s-1', header);
      expect([status, headers.get('www-authenticate'), Object.keys(body!)]).toEqual([401, 'Bearer realm="farhand"', ['error']]);
    }
    expect(await get('/v1/risk/acme/s-1', 'Bearer one', 'HEAD')).toMatchObject({ status: 200 });
    expect(await get('/v1/risk/acme/s-1', 'Bearer one', 'POST')).toMatchObject({ status: 405 });
    expect(await get('/v1/risk/acme/%ff', 'Bearer one')).toMatchObject({ status: 400 });
    expect(await get('/metrics', 'Bearer one')).toMatchObject({ status: 404 });
    expect(await get('/metrics')).toMatchObject({ status: 401 });
    expect((await get('/v1/risk/acme/s-1', 'Bearer one')).headers.get('cache-control')).toBe('no-store');
    store.away = true;
    const away = await get('/v1/risk/acme/s-1', 'Bearer one');
    expect([away.status, away.headers.get('retry-after')]).toEqual([503, '1']);
    const text = await metrics.text();
    expect(text).toMatch(/farhand_risk_requests_total\{outcome="unauthorized".*\} 7\n/);
    expect(text).toMatch(/farhand_risk_requests_total\{outcome="unavailable".*\} 1\n/);
    expect(text).not.toMatch(/acme|s-1|f-1/);
  });
});
