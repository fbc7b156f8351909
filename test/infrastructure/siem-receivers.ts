/**
 * What Splunk's HTTP Event Collector and Microsoft's Logs Ingestion API do with a request, as far as a sender can tell:
 * paths, authentication, forms of the body, answers and refusals. For trying connections by hand: `node
 * test/infrastructure/siem-receivers.ts` listens on 127.0.0.1:8088 and prints what it holds after Ctrl-C.
 * https://docs.splunk.com/Documentation/Splunk/latest/Data/FormateventsforHTTPEventCollector
 * https://learn.microsoft.com/azure/azure-monitor/logs/logs-ingestion-api-overview
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { listening } from '#lib/kernel/listening.ts';

const SENTINEL_BODY_MAX = 1024 * 1024;

export interface Receivers {
  readonly url: string;
  /** `event` of every event that Splunk took. */
  readonly splunk: unknown[];
  /** Every row that Sentinel took. */
  readonly sentinel: Record<string, unknown>[];
  /** Status and text of what was refused. */
  readonly refused: string[];
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

/** Objects that follow each other, with white space between them or none. */
function jsonObjects(text: string): Record<string, unknown>[] {
  const objects: Record<string, unknown>[] = [];
  let depth = 0;
  let begin = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (quoted) {
      if (char === '\\') i++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '{' && depth++ === 0) begin = i;
    else if (char === '}' && --depth === 0) objects.push(JSON.parse(text.slice(begin, i + 1)) as Record<string, unknown>);
  }
  return objects;
}

function splunk(request: IncomingMessage, body: string, token: string, into: unknown[]): Answer {
  const refuse = (status: number, text: string, code: number): Answer => ({ status, body: { text, code } });
  const given = request.headers.authorization;
  if (given === undefined) return refuse(401, 'Token is required', 2);
  if (given !== `Splunk ${token}`) return refuse(403, 'Invalid token', 4);
  let events: Record<string, unknown>[];
  try {
    events = jsonObjects(body);
  } catch {
    return refuse(400, 'Invalid data format', 6);
  }
  if (events.length === 0) return refuse(400, 'No data', 5);
  if (events.some((event) => event['event'] === undefined)) return refuse(400, 'Event field is required', 12);
  into.push(...events.map((event) => event['event']));
  return { status: 200, body: { text: 'Success', code: 0 } };
}

function sentinel(request: IncomingMessage, body: string, token: string, into: Record<string, unknown>[]): Answer {
  if (request.headers.authorization !== `Bearer ${token}`) return { status: 401, body: { error: { code: 'InvalidToken' } } };
  if (request.headers['content-type'] !== 'application/json') return { status: 415, body: { error: { code: 'UnsupportedMediaType' } } };
  if (Buffer.byteLength(body) > SENTINEL_BODY_MAX) return { status: 413, body: { error: { code: 'ContentLengthLimitExceeded' } } };
  const rows = JSON.parse(body) as Record<string, unknown>[];
  if (!Array.isArray(rows) || rows.some((row) => Number.isNaN(Date.parse(String(row['TimeGenerated']))))) return { status: 400, body: { error: { code: 'InvalidPayload' } } };
  into.push(...rows);
  return { status: 204, body: null };
}

/** `token` is Splunk's and the bearer token that the login gives to `client` with `secret`. */
export async function startReceivers(token: string, client: string, secret: string, port = 0): Promise<Receivers> {
  const received: Omit<Receivers, 'url' | 'close'> = { splunk: [], sentinel: [], refused: [] };
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const body = await bodyOf(request);
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    if (request.method !== 'POST') return { status: 405, body: null };
    if (pathname === '/services/collector/event') return splunk(request, body, token, received.splunk);
    if (/^\/[^/]+\/oauth2\/v2\.0\/token$/.test(pathname)) {
      const form = new URLSearchParams(body);
      const basic = Buffer.from(request.headers.authorization?.replace(/^Basic /, '') ?? '', 'base64').toString('utf8');
      const known = basic === `${client}:${secret}` || (form.get('client_id') === client && form.get('client_secret') === secret);
      return known ? { status: 200, body: { token_type: 'Bearer', expires_in: 3599, access_token: token } } : { status: 401, body: { error: 'invalid_client' } };
    }
    if (/^\/dataCollectionRules\/dcr-[^/]+\/streams\/Custom-[^/]+$/.test(pathname) && searchParams.get('api-version') === '2023-01-01') return sentinel(request, body, token, received.sentinel);
    return { status: 404, body: null };
  };
  const server: Server = createServer((request, response) => {
    answer(request)
      .catch((error: unknown): Answer => ({ status: 400, body: { error: String(error) } }))
      .then(({ status, body }) => {
        if (status >= 400) received.refused.push(`${status} ${request.url} ${JSON.stringify(body)}`);
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(body === null ? '' : JSON.stringify(body));
      }, () => response.destroy());
  });
  const { port: bound, close } = await listening(server, '127.0.0.1', port);
  return { ...received, url: `http://127.0.0.1:${bound}`, close };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const receivers = await startReceivers('token', 'client', 'secret', 8088);
  console.log(`Splunk HEC and Sentinel at ${receivers.url}; token "token", client "client", secret "secret"`);
  process.once('SIGINT', () => {
    const { splunk: events, sentinel: rows, refused } = receivers;
    console.log(JSON.stringify({ splunk: events.length, sentinel: rows.length, refused: refused.length, first: [events[0], rows[0], refused[0]] }));
    process.exit(0);
  });
}
