/**
 * A small schema registry in this process, faithful to the Confluent REST API in what the client uses: registering and
 * looking up by subject, schemas by id, error codes, basic authentication. `fault` makes it misbehave.
 */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { listening } from '#lib/kernel/listening.ts';

type RegistryFault = 'none' | 'error-500' | 'hangs' | 'html-404' | 'drops';

export interface RegistryServer {
  readonly url: string;
  close(): Promise<void>;
}

export interface FakeRegistry extends RegistryServer {
  fault: RegistryFault;
  /** Requests so far, as `GET /schemas/ids/7`. */
  readonly requests: string[];
}

interface Stored {
  readonly id: number;
  readonly schema: string;
}

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';

export async function startFakeRegistry(authorization?: string): Promise<FakeRegistry> {
  const schemas: Stored[] = [];
  const subjects = new Map<string, Set<number>>();
  const server = createServer((request, response) => void answer(request, response));
  const registry: FakeRegistry = {
    url: '',
    fault: 'none',
    requests: [],
    close: () => Promise.resolve(),
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent(request.url ?? '');
    registry.requests.push(`${request.method} ${path}`);
    let text = '';
    for await (const chunk of request) text += String(chunk);
    if (misbehave(registry.fault, request, response)) return;
    const send = (status: number, body: unknown) => response.writeHead(status, { 'content-type': CONTENT_TYPE }).end(JSON.stringify(body));
    const refuse = (status: number, code: number, message: string) => send(status, { error_code: code, message });
    if (authorization !== undefined && request.headers.authorization !== authorization) return void refuse(401, 40101, 'Unauthorized');
    const byId = /^GET \/schemas\/ids\/(\d+)$/.exec(`${request.method} ${path}`);
    if (byId !== null) {
      const found = schemas.find(({ id }) => id === Number(byId[1]));
      return void (found === undefined ? refuse(404, 40403, 'Schema not found') : send(200, { schema: found.schema }));
    }
    const subject = /^\/subjects\/([^/]+)(\/versions)?$/.exec(path);
    if (request.method !== 'POST' || subject === null) return void refuse(404, 404, 'HTTP 404 Not Found');
    const { schema } = JSON.parse(text) as { schema: string };
    return void post(subject[1] as string, subject[2] !== undefined, schema, send, refuse);
  }

  function post(subject: string, register: boolean, schema: string, send: (s: number, b: unknown) => unknown, refuse: (s: number, c: number, m: string) => unknown): unknown {
    try {
      JSON.parse(schema);
    } catch {
      return refuse(422, 42201, 'Invalid schema');
    }
    const ids = subjects.get(subject);
    let stored = schemas.find((known) => known.schema === schema);
    if (!register) {
      if (ids === undefined) return refuse(404, 40401, `Subject '${subject}' not found.`);
      return stored === undefined || !ids.has(stored.id) ? refuse(404, 40403, 'Schema not found') : send(200, { subject, id: stored.id, version: 1, schema });
    }
    if (stored === undefined) schemas.push((stored = { id: schemas.length + 1, schema }));
    subjects.set(subject, (ids ?? new Set()).add(stored.id));
    return send(200, { id: stored.id });
  }

  const { port, close } = await listening(server, '127.0.0.1', 0);
  return Object.assign(registry, { url: `http://127.0.0.1:${port}`, close });
}

function misbehave(fault: RegistryFault, request: IncomingMessage, response: ServerResponse): boolean {
  if (fault === 'error-500') response.writeHead(500, { 'content-type': CONTENT_TYPE }).end('{"error_code":50001,"message":"Error in the backend data store"}');
  if (fault === 'html-404') response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not Found</h1>');
  if (fault === 'drops') request.socket.destroy();
  return fault !== 'none';
}
