/** /metrics (Prometheus text), /healthz (the process answers), /readyz (503 until everything that it needs is there). */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

export interface Readiness {
  readonly ready: boolean;
  /** What is missing, or an empty list. */
  readonly missing: readonly string[];
}

export interface ObserveServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface ObserveServerOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly registry: Registry;
  readonly readiness: () => Readiness;
}

export async function startObserveServer(options: ObserveServerOptions): Promise<ObserveServer> {
  const server = createServer((request, response) => {
    answer(request, response, options).catch(() => {
      response.statusCode = 500;
      response.end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => resolve());
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, { registry, readiness }: ObserveServerOptions): Promise<void> {
  const send = (status: number, type: string, body: string): void => {
    response.writeHead(status, { 'content-type': type });
    response.end(request.method === 'HEAD' ? '' : body);
  };
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, 'text/plain', 'GET only\n');
  switch (new URL(request.url ?? '/', 'http://localhost').pathname) {
    case '/metrics':
      return send(200, registry.contentType, await registry.metrics());
    case '/healthz':
      return send(200, 'application/json', '{"status":"up"}\n');
    case '/readyz': {
      const { ready, missing } = readiness();
      return send(ready ? 200 : 503, 'application/json', `${JSON.stringify({ ready, missing })}\n`);
    }
    default:
      return send(404, 'text/plain', 'try /metrics, /healthz or /readyz\n');
  }
}
