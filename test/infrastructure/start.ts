/**
 * Finds a Kafka broker and a Redis for the tests, in this order: the environment (KAFKA_BROKERS, REDIS_URL), Docker
 * through testcontainers, local programs. Says in one line what it found; where nothing is to be had, it says that
 * loudly, and with CI=true it fails.
 */
import { systemClock } from '#lib/kernel/clock.ts';
import { dockerAnswers, startKafkaContainer, startRedisContainer } from './docker.ts';
import { startKafka, startRedis } from './local.ts';

export interface Found {
  readonly address: string;
  readonly what: string;
}

export interface Infrastructure {
  /** `host:port[,…]`; null where there is no broker. */
  readonly kafka: Found | null;
  /** `redis://…`; null where there is no Redis. */
  readonly redis: Found | null;
  readonly stop: () => Promise<void>;
}

interface Way {
  readonly name: string;
  open(): Promise<Found & { stop?: () => Promise<void> }>;
}

async function firstOf(what: string, ways: readonly Way[]): Promise<(Found & { stop?: () => Promise<void> }) | null> {
  for (const way of ways) {
    try {
      return await way.open();
    } catch (error) {
      console.error(`test infrastructure: ${what} through ${way.name}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  return null;
}

export async function startInfrastructure(): Promise<Infrastructure> {
  const began = systemClock.monotonicMs();
  const brokers = process.env['KAFKA_BROKERS'];
  const redisUrl = process.env['REDIS_URL'];
  const docker = brokers && redisUrl ? false : await dockerAnswers();
  const given = (name: string, address: string): Way => ({
    name,
    open: () => Promise.resolve({ address, what: `${address} (${name})` }),
  });
  const [kafka, redis] = await Promise.all([
    firstOf('Kafka', brokers ? [given('KAFKA_BROKERS', brokers)] : [
      ...(docker ? [{ name: 'Docker', open: startKafkaContainer }] : []),
      { name: 'local programs', open: () => startKafka() },
    ]),
    firstOf('Redis', redisUrl ? [given('REDIS_URL', redisUrl)] : [
      ...(docker ? [{ name: 'Docker', open: startRedisContainer }] : []),
      { name: 'local programs', open: () => startRedis() },
    ]),
  ]);
  const seconds = ((systemClock.monotonicMs() - began) / 1000).toFixed(1);
  console.log(`test infrastructure: ${kafka?.what ?? 'NO KAFKA'}; ${redis?.what ?? 'NO REDIS'}; ready in ${seconds} s`);
  const stop = async () => {
    await Promise.all([kafka?.stop?.(), redis?.stop?.()]);
  };
  if (kafka === null || redis === null) {
    console.error('test infrastructure: WHAT NEEDS A MISSING PART IS SKIPPED. Set KAFKA_BROKERS and REDIS_URL, start Docker, or install Java 17 and Maven.');
    if (process.env['CI'] === 'true') {
      await stop();
      throw new Error('test infrastructure: with CI=true Kafka and Redis must be there');
    }
  }
  return { kafka, redis, stop };
}
