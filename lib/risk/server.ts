/**
 * GET /v1/risk/{tenant}/{session} and GET /v1/risk/{tenant}/device/{device}, for policy points with a bearer token.
 * Answers are JSON. 200 also where nothing is known (riskScore 0); 400, 401, 403, 404, 405; 503 while the store is away:
 * what the policy point does then is its own policy (fail open or closed).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Clock } from '#lib/kernel/clock.ts';
import { listening, type Listening } from '#lib/kernel/listening.ts';
import type { Metrics } from '#lib/observe/metrics.ts';
import type { RiskSection } from './config.ts';
import { answerOf, type RiskStore, type RiskSubject } from './risk.ts';
import type { Tokens } from './tokens.ts';

const IDENTIFIER_LENGTH_MAX = 256;
const HEADER_BYTES_MAX = 8 * 1024;
const RETRY_AFTER_SECONDS = '1';
const LATENCY_BUCKETS = [0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1];
const OUTCOMES = ['answered', 'bad_request', 'unauthorized', 'forbidden', 'not_found', 'unavailable'] as const;

type Outcome = (typeof OUTCOMES)[number];

export interface RiskServerParts {
  readonly section: Pick<RiskSection, 'host' | 'port' | 'connectionsMax' | 'requestTimeoutMs'>;
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly tokens: Pick<Tokens, 'check'>;
  readonly store: RiskStore;
  readonly clock: Clock;
  readonly metrics: ReturnType<typeof riskServerMetrics>;
}

export type RiskServer = Listening;

export function riskServerMetrics(metrics: Metrics) {
  const requests = metrics.counter('risk_requests_total', 'Requests of policy points.', { outcome: OUTCOMES });
  const seconds = metrics.histogram('risk_request_seconds', 'Time to answer a policy point.', LATENCY_BUCKETS);
  return {
    answered: (outcome: Outcome, took: number): void => {
      requests.inc({ outcome });
      seconds.observe(took);
    },
  };
}

interface Reply {
  readonly status: number;
  readonly outcome: Outcome;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

const refusal = (status: number, outcome: Outcome, error: string, headers?: Readonly<Record<string, string>>): Reply => ({ status, outcome, body: { error }, ...(headers === undefined ? {} : { headers }) });
const NOT_FOUND = refusal(404, 'not_found', 'try /v1/risk/{tenant}/{session} or /v1/risk/{tenant}/device/{device}');
const UNAUTHORIZED = refusal(401, 'unauthorized', 'a bearer token that is known here is required', { 'www-authenticate': 'Bearer realm="farhand"' });

export async function startRiskServer(parts: RiskServerParts): Promise<RiskServer> {
  const { section, tls, clock, metrics } = parts;
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const began = clock.monotonicMs();
    replyTo(request, parts)
      .catch(() => refusal(503, 'unavailable', 'the store of the risks is away', { 'retry-after': RETRY_AFTER_SECONDS }))
      .then(({ status, outcome, body, headers }) => {
        const text = `${JSON.stringify(body)}\n`;
        response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', 'content-length': Buffer.byteLength(text), ...headers });
        response.end(request.method === 'HEAD' ? '' : text);
        metrics.answered(outcome, (clock.monotonicMs() - began) / 1_000);
      })
      .catch(() => response.destroy());
    request.resume();
  };
  const options = { maxHeaderSize: HEADER_BYTES_MAX, requestTimeout: section.requestTimeoutMs, headersTimeout: section.requestTimeoutMs };
  const server: Server = tls === null ? createServer(options, handle) : createTlsServer({ ...options, ...tls, minVersion: 'TLSv1.2' }, handle);
  server.maxConnections = section.connectionsMax;
  return listening(server, section.host, section.port);
}

/** Rejects where the store is away. */
async function replyTo(request: IncomingMessage, { tokens, store }: RiskServerParts): Promise<Reply> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return refusal(405, 'bad_request', 'GET only', { allow: 'GET, HEAD' });
  const token = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) return UNAUTHORIZED;
  const subject = subjectOf(request.url ?? '');
  // Whether a path exists is no secret, but whose tenants there are is: the token is looked at in any case.
  const access = tokens.check(token, subject === null || subject === 'malformed' ? '' : subject.tenantId);
  if (access === 'unknown token') return UNAUTHORIZED;
  if (subject === null) return NOT_FOUND;
  if (subject === 'malformed') return refusal(400, 'bad_request', `identifiers are URL-encoded and have 1 to ${IDENTIFIER_LENGTH_MAX} characters`);
  if (access === 'other tenant') return refusal(403, 'forbidden', 'this token is not for that tenant');
  return { status: 200, outcome: 'answered', body: { ...subject, ...answerOf(await store.entriesOf(subject)) } };
}

/** Null for a path that is not ours. */
export function subjectOf(url: string): RiskSubject | 'malformed' | null {
  const path = url.split('?', 1)[0]!;
  const match = /^\/v1\/risk\/([^/]*)\/(device\/)?([^/]*)$/.exec(path);
  if (match === null) return null;
  let ids: string[];
  try {
    ids = [decodeURIComponent(match[1]!), decodeURIComponent(match[3]!)];
  } catch {
    return 'malformed';
  }
  if (ids.some((id) => id.length < 1 || id.length > IDENTIFIER_LENGTH_MAX)) return 'malformed';
  const [tenantId, id] = ids as [string, string];
  return match[2] === undefined ? { tenantId, sessionId: id } : { tenantId, deviceId: id };
}
