/** The `kafka` section of the configuration → the options of the adapter: reads secrets and certificates from files. */
import { readFileSync } from 'node:fs';
import type { Clock } from '#lib/kernel/clock.ts';
import type { KafkaSection } from '#lib/kernel/config-sections.ts';
import { readSecret } from '#lib/kernel/config-secret.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { KafkaLogOptions } from './kafka-client.ts';
import type { OpenKafkaOptions } from './kafka.ts';

/** How much longer than the drain the group waits for a member to rejoin. */
const REBALANCE_MARGIN_MS = 10_000;

/** Throws FARHAND_CONFIG_INVALID where a file cannot be read. */
export function kafkaOptionsOf(section: KafkaSection, clock: Clock, onLog?: KafkaLogOptions['onLog']): OpenKafkaOptions {
  return {
    brokers: section.brokers,
    clientId: section.clientId,
    clock,
    compression: 'zstd',
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
    },
    ...security(section),
    ...(onLog === undefined ? {} : { onLog }),
  };
}

function security({ tls, sasl }: KafkaSection): Pick<OpenKafkaOptions, 'ssl' | 'sasl'> {
  const read = (name: 'caFile' | 'certFile' | 'keyFile'): string | undefined => {
    const file = tls[name];
    if (file === null) return undefined;
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      throw new FarhandError('FARHAND_CONFIG_INVALID', `kafka.tls.${name} is ${JSON.stringify(file)}: ${(error as Error).message}`, { cause: error });
    }
  };
  const [ca, cert, key] = [read('caFile'), read('certFile'), read('keyFile')];
  const ssl = { ...(ca === undefined ? {} : { ca: [ca] }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
  const password = readSecret(sasl.password, sasl.passwordFile, 'kafka.sasl.passwordFile') ?? '';
  const mechanism = sasl.mechanism?.toLowerCase();
  return {
    ...(tls.enabled ? { ssl } : {}),
    ...(mechanism === undefined ? {} : { sasl: { mechanism, username: sasl.username ?? '', password } as NonNullable<OpenKafkaOptions['sasl']> }),
  };
}
