/**
 * /metrics (Prometheus text; with a bearer token where one is configured), /healthz (503 where the process hangs and
 * should be restarted), /readyz (503 until everything that it needs is there: joined, restored, connected).
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listening, type Listening } from '#lib/kernel/listening.ts';
import { CHALLENGE, isAuthorised } from './bearer.ts';
import type { Health } from './health.ts';
import type { Metrics } from './metrics.ts';

export interface Readiness {
  readonly ready: boolean;
  /** What is missing, or an empty list. */
  readonly missing: readonly string[];
}

export type ObserveServer = Listening;

export interface ObserveServerOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly metrics: Metrics;
  readonly health: () => Health;
  readonly readiness: () => Readiness;
  /** Bearer token of everything but health and readiness; null or absent: none is asked for. */
  readonly token?: (() => string) | null;
}

export async function startObserveServer(options: ObserveServerOptions): Promise<ObserveServer> {
  const server = createServer((request, response) => {
    answer(request, response, options).catch(() => {
      response.statusCode = 500;
      response.end();
    });
  });
  return listening(server, options.host, options.port);
}

async function answer(request: IncomingMessage, response: ServerResponse, { metrics, health, readiness, token }: ObserveServerOptions): Promise<void> {
  const send = (status: number, type: string, body: string, headers: Record<string, string> = {}): void => {
    response.writeHead(status, { 'content-type': type, ...headers });
    response.end(request.method === 'HEAD' ? '' : body);
  };
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, 'text/plain', 'GET only\n');
  switch (new URL(request.url ?? '/', 'http://localhost').pathname) {
    case '/metrics':
      if (!isAuthorised(request, token ?? null)) return send(401, 'text/plain', 'a bearer token is needed (observe.tokenFile)\n', CHALLENGE);
      return send(200, metrics.registry.contentType, await metrics.text());
    case '/healthz': {
      const { up, ...details } = health();
      return send(up ? 200 : 503, 'application/json', `${JSON.stringify({ status: up ? 'up' : 'stuck', ...details })}\n`);
    }
    case '/readyz': {
      const { ready, missing } = readiness();
      return send(ready ? 200 : 503, 'application/json', `${JSON.stringify({ ready, missing })}\n`);
    }
    default:
      return send(404, 'text/plain', 'try /metrics, /healthz or /readyz\n');
  }
}
