/** The `kafka` section of the configuration → the options of the adapter: reads secrets and certificates from files. */
import type { Clock } from '#lib/kernel/clock.ts';
import type { KafkaSection } from '#lib/kernel/config-sections.ts';
import { liveSecret, liveTls } from '#lib/kernel/config-secret.ts';
import type { KafkaLogOptions } from './kafka-client.ts';
import type { ReaderOptions } from './kafka-reader.ts';
import { tokenProvider } from './kafka-token.ts';
import type { OpenKafkaOptions } from './kafka.ts';

/** What a host wants to hear of the adapter. */
export interface KafkaHooks extends Pick<KafkaLogOptions, 'onLog'>, Pick<ReaderOptions, 'onGap' | 'onFetchFailure'> {}

/** How much longer than the drain the group waits for a member to rejoin. */
const REBALANCE_MARGIN_MS = 10_000;

/** Throws FARHAND_CONFIG_INVALID where a file cannot be read. */
export function kafkaOptionsOf(section: KafkaSection, clock: Clock, { onLog, ...readerHooks }: KafkaHooks = {}): OpenKafkaOptions {
  return {
    brokers: section.brokers,
    clientId: section.clientId,
    clock,
    compression: section.compression,
    transactionTimeoutMs: section.transactionTimeoutMs,
    group: {
      sessionTimeoutMs: section.sessionTimeoutMs,
      heartbeatMs: section.heartbeatIntervalMs,
      rebalanceTimeoutMs: section.drainTimeoutMs + REBALANCE_MARGIN_MS,
    },
    reader: {
      prefetchBytesMax: section.prefetchBytesMax,
      partitionBytesMax: section.partitionBytesMax,
      fetchBytesMax: section.fetchBytesMax,
      pollMs: section.fetchWaitMs,
      ...readerHooks,
    },
    ...security(section),
    ...(onLog === undefined ? {} : { onLog }),
  };
}

/** Everything that is read from a file is read again for every connection, so that a rotation needs no restart. */
function security({ tls, sasl }: KafkaSection): Pick<OpenKafkaOptions, 'ssl' | 'sasl'> {
  const ssl = tls.enabled ? { ssl: liveTls(tls, 'kafka.tls') } : {};
  if (sasl.mechanism === null) return ssl;
  const mechanism = sasl.mechanism.toLowerCase();
  if (sasl.mechanism === 'OAUTHBEARER') return { ...ssl, sasl: { mechanism, oauthBearerProvider: tokenProvider(sasl) } as OpenKafkaOptions['sasl'] & object };
  const password = liveSecret(sasl.password, sasl.passwordFile, 'kafka.sasl.passwordFile')!;
  const credentials = {
    mechanism,
    username: sasl.username ?? '',
    get password() {
      return password();
    },
  };
  return { ...ssl, sasl: credentials as OpenKafkaOptions['sasl'] & object };
}
