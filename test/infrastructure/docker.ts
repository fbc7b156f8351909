/**
 * Kafka and Redis through testcontainers, where a Docker engine answers. The images are named by the environment, so
 * that a site can use its own; `images/` builds such images from packages alone.
 */
import { existsSync } from 'node:fs';
import { systemClock } from '#lib/kernel/clock.ts';
import { freePorts } from './process.ts';

const KAFKA_IMAGE = process.env['FARHAND_TEST_KAFKA_IMAGE'] || 'apache/kafka:4.1.0';
const REDIS_IMAGE = process.env['FARHAND_TEST_REDIS_IMAGE'] || 'redis:7-alpine';
const ENGINE_TIMEOUT_MS = 5_000;
const START_TIMEOUT_MS = 120_000;

export interface Container {
  readonly address: string;
  readonly what: string;
  stop(): Promise<void>;
}

async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const abort = new AbortController();
  const expired = systemClock.sleep(ms, abort.signal).then(() => {
    if (abort.signal.aborted) return undefined as never;
    throw new Error(`${what} took longer than ${ms} ms`);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    abort.abort();
  }
}

/** Whether a Docker engine answers, within a bounded time. */
export async function dockerAnswers(): Promise<boolean> {
  if (!process.env['DOCKER_HOST'] && !existsSync('/var/run/docker.sock')) return false;
  try {
    const { getContainerRuntimeClient } = await import('testcontainers');
    await within(ENGINE_TIMEOUT_MS, 'the Docker engine', getContainerRuntimeClient());
    return true;
  } catch {
    return false;
  }
}

/**
 * One KRaft node. The port on the host is chosen first, because the broker must advertise it; the environment is that
 * of the apache/kafka image.
 */
export async function startKafkaContainer(): Promise<Container> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const [port] = (await freePorts(1)) as [number];
  const container = new GenericContainer(KAFKA_IMAGE)
    .withExposedPorts({ container: 9092, host: port })
    .withEnvironment({
      CLUSTER_ID: '4L6g3nShT-eMCtK--X86sw',
      KAFKA_NODE_ID: '1',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      // The broker calls itself for transactions, and the port that the host sees does not exist inside the container.
      KAFKA_LISTENERS: 'PLAINTEXT://:9092,INTERNAL://:19092,CONTROLLER://:9093',
      KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${port},INTERNAL://localhost:19092`,
      KAFKA_INTER_BROKER_LISTENER_NAME: 'INTERNAL',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT',
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '4',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
      KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS: '4',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      KAFKA_BROKER_SESSION_TIMEOUT_MS: '120000',
      KAFKA_LOG_RETENTION_MS: '-1',
    })
    .withStartupTimeout(START_TIMEOUT_MS)
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/));
  const started = await within(START_TIMEOUT_MS, `the image ${KAFKA_IMAGE}`, container.start());
  return {
    address: `127.0.0.1:${port}`,
    what: `Apache Kafka (testcontainers, ${KAFKA_IMAGE})`,
    stop: async () => void (await started.stop()),
  };
}

export async function startRedisContainer(): Promise<Container> {
  const { RedisContainer } = await import('@testcontainers/redis');
  const container = new RedisContainer(REDIS_IMAGE).withStartupTimeout(START_TIMEOUT_MS);
  const started = await within(START_TIMEOUT_MS, `the image ${REDIS_IMAGE}`, container.start());
  return {
    address: started.getConnectionUrl(),
    what: `Redis (testcontainers, ${REDIS_IMAGE})`,
    stop: async () => void (await started.stop()),
  };
}
