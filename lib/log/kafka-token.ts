/**
 * Tokens for SASL/OAUTHBEARER: out of a file that something else renews, or from an identity provider with the client
 * credentials grant (RFC 6749, section 4.4). A token is kept until a tenth of its life is left.
 */
import { systemClock } from '#lib/kernel/clock.ts';
import type { KafkaSection } from '#lib/kernel/config-sections.ts';
import { liveSecret } from '#lib/kernel/config-secret.ts';
import { FarhandError } from '#lib/kernel/errors.ts';

type Provider = () => Promise<{ value: string }>;

const REQUEST_MS_MAX = 5_000;
/** Where the provider does not say how long its token lives. */
const LIFE_S_DEFAULT = 60;
const LIFE_SHARE = 0.9;

export function tokenProvider(sasl: KafkaSection['sasl']): Provider {
  if (sasl.tokenUrl === null) {
    const token = liveSecret(null, sasl.tokenFile, 'kafka.sasl.tokenFile')!;
    return () => Promise.resolve({ value: token() });
  }
  return cached(() => clientCredentials(sasl, sasl.tokenUrl!));
}

interface Token {
  readonly value: string;
  readonly lifeMs: number;
}

/** One request at a time, however many connections are made at once. */
function cached(request: () => Promise<Token>): Provider {
  let token: Token | null = null;
  let untilMs = -Infinity;
  let asking: Promise<Token> | null = null;
  return async () => {
    if (token !== null && systemClock.monotonicMs() < untilMs) return { value: token.value };
    asking ??= request().finally(() => (asking = null));
    token = await asking;
    untilMs = systemClock.monotonicMs() + token.lifeMs * LIFE_SHARE;
    return { value: token.value };
  };
}

async function clientCredentials(sasl: KafkaSection['sasl'], url: string): Promise<Token> {
  const secret = liveSecret(sasl.clientSecret, sasl.clientSecretFile, 'kafka.sasl.clientSecretFile')!();
  const form = new URLSearchParams({ grant_type: 'client_credentials', ...(sasl.scope === null ? {} : { scope: sasl.scope }) });
  const basic = Buffer.from(`${encodeURIComponent(sasl.clientId!)}:${encodeURIComponent(secret)}`).toString('base64');
  const fail = (why: string, cause?: unknown): FarhandError => new FarhandError('FARHAND_LOG_UNAVAILABLE', `kafka.sasl.tokenUrl ${url}: ${why}`, { cause });
  let response: Response;
  try {
    response = await fetch(url, { method: 'POST', body: form, headers: { authorization: `Basic ${basic}` }, signal: AbortSignal.timeout(REQUEST_MS_MAX) });
  } catch (error) {
    throw fail((error as Error).message, error);
  }
  const body = (await response.json().catch(() => ({}))) as { access_token?: unknown; expires_in?: unknown; error?: unknown };
  if (!response.ok || typeof body.access_token !== 'string') throw fail(`answered ${response.status} ${typeof body.error === 'string' ? body.error : 'without a token'}`);
  const lifeS = Number(body.expires_in);
  return { value: body.access_token, lifeMs: (Number.isFinite(lifeS) && lifeS > 0 ? lifeS : LIFE_S_DEFAULT) * 1_000 };
}
