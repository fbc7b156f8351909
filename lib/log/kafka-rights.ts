/**
 * What this user may do: Metadata v8 and DescribeGroups v3 tell the operations that the authorizer allows, as a bit per
 * operation (KIP-430). Where the broker has no authorizer every bit is set.
 * Formats: https://kafka.apache.org/protocol#The_Messages_Metadata, …_DescribeGroups
 */
import { TRANSACTION_COORDINATOR } from './kafka-client.ts';
import type { KafkaBroker, KafkaCluster } from './kafka-cluster.ts';
import { WireCursor, WireWriter, type WireRequest } from './kafka-wire.ts';
import type { Right } from './log.ts';

/** AclOperation's codes, which are the bits' numbers. */
const BIT: Readonly<Record<Right['operation'], number>> = { Read: 3, Write: 4, Create: 5, Delete: 6, Describe: 8, DescribeConfigs: 10, AlterConfigs: 11 };
const REQUEST_MS_MAX = 10_000;
const METADATA = { apiKey: 3, apiVersion: 8, apiName: 'Metadata' } as const;
const DESCRIBE_GROUPS = { apiKey: 15, apiVersion: 3, apiName: 'DescribeGroups' } as const;
const FIND_COORDINATOR = { apiKey: 10, apiVersion: 1, apiName: 'FindCoordinator' } as const;
const TOPIC_AUTHORIZATION_FAILED = 29;
const GROUP_AUTHORIZATION_FAILED = 30;
const TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53;
const GROUP_COORDINATOR = 0;

/** Allowed operations as bits; 0 where not even that may be asked, null where there is no such thing. */
type Allowed = Map<string, number | null>;

function request<T>(api: { apiKey: number; apiVersion: number; apiName: string }, write: (out: WireWriter) => WireWriter, read: (input: WireCursor) => T): WireRequest<T> {
  return {
    request: { ...api, encode: () => write(new WireWriter(256)).done() },
    response: {
      decode: (payload) => {
        const input = new WireCursor(payload);
        const clientSideThrottleTime = input.int32();
        return Promise.resolve(Object.assign(read(input) as T & object, { clientSideThrottleTime }));
      },
      parse: (data) => Promise.resolve(data),
    },
    requestTimeout: REQUEST_MS_MAX,
  };
}

function writeNames(out: WireWriter, names: readonly string[]): WireWriter {
  out.int32(names.length);
  for (const name of names) out.string(name);
  return out;
}

function topicsRequest(topics: readonly string[]): WireRequest<{ allowed: Allowed; partitions: Map<string, number> }> {
  return request(
    METADATA,
    (out) => writeNames(out, topics).int8(0).int8(0).int8(1),
    (input) => {
      input.many(() => (input.int32(), input.string(), input.int32(), input.string()));
      input.string();
      input.int32();
      const allowed: Allowed = new Map();
      const partitions = new Map<string, number>();
      input.many(() => {
        const error = input.int16();
        const name = input.string();
        input.skip(1);
        const count = input.many(() => {
          input.skip(2 + 4 + 4 + 4);
          for (let list = 0; list < 3; list++) input.many(() => input.int32());
        }).length;
        const bits = input.int32();
        allowed.set(name, error === TOPIC_AUTHORIZATION_FAILED ? 0 : error === 0 ? bits : null);
        partitions.set(name, error === 0 ? count : 0);
      });
      return { allowed, partitions };
    },
  );
}

function groupRequest(group: string): WireRequest<{ bits: number | null }> {
  return request(
    DESCRIBE_GROUPS,
    (out) => writeNames(out, [group]).int8(1),
    (input) => {
      const [bits] = input.many(() => {
        const error = input.int16();
        for (let text = 0; text < 4; text++) input.string();
        input.many(() => {
          for (let text = 0; text < 3; text++) input.string();
          input.bytes();
          input.bytes();
        });
        const allowed = input.int32();
        return error === GROUP_AUTHORIZATION_FAILED ? 0 : error === 0 ? allowed : null;
      });
      return { bits: bits ?? null };
    },
  );
}

function coordinatorRequest(key: string, type: number): WireRequest<{ error: number; nodeId: number }> {
  return request(
    FIND_COORDINATOR,
    (out) => out.string(key).int8(type),
    (input) => {
      const error = input.int16();
      input.string();
      return { error, nodeId: input.int32() };
    },
  );
}

async function anyBroker(cluster: KafkaCluster): Promise<KafkaBroker> {
  await cluster.refreshMetadata();
  return cluster.findControllerBroker();
}

/** Partitions by topic, 0 where a topic is not there (or may not be seen); no right is needed to ask. */
export async function partitionCounts(cluster: KafkaCluster, topics: readonly string[]): Promise<Map<string, number>> {
  const broker = await anyBroker(cluster);
  const { partitions } = await broker.connectionPool.send(topicsRequest(topics));
  return partitions;
}

/** Whoever may Write or Read may ask for the coordinator; kafkajs's own search would hide the refusal and go on searching. */
async function groupBits(cluster: KafkaCluster, broker: KafkaBroker, group: string): Promise<number | null> {
  const { error, nodeId } = await broker.connectionPool.send(coordinatorRequest(group, GROUP_COORDINATOR));
  if (error !== 0) return error === GROUP_AUTHORIZATION_FAILED ? 0 : null;
  const coordinator = await cluster.findBroker({ nodeId });
  return (await coordinator.connectionPool.send(groupRequest(group))).bits;
}

/** Of ids by prefix the first is asked about; all that a coordinator tells is whether there is any right at all. */
async function idBits(broker: KafkaBroker, prefix: string): Promise<number | null> {
  const { error } = await broker.connectionPool.send(coordinatorRequest(`${prefix}0`, TRANSACTION_COORDINATOR));
  return error === TRANSACTIONAL_ID_AUTHORIZATION_FAILED ? 0 : null;
}

export async function missingRights(cluster: KafkaCluster, rights: readonly Right[]): Promise<Right[]> {
  const broker = await anyBroker(cluster);
  const names = (resource: Right['resource']): string[] => [...new Set(rights.filter((right) => right.resource === resource).map(({ name }) => name))];
  const topics = names('Topic');
  const allowed: Allowed = topics.length === 0 ? new Map() : (await broker.connectionPool.send(topicsRequest(topics))).allowed;
  const groups: Allowed = new Map();
  for (const group of names('Group')) groups.set(group, await groupBits(cluster, broker, group));
  const ids: Allowed = new Map();
  for (const prefix of names('TransactionalId')) ids.set(prefix, await idBits(broker, prefix));
  const known: Readonly<Record<Right['resource'], Allowed>> = { Topic: allowed, Group: groups, TransactionalId: ids, Cluster: new Map() };
  return rights.filter(({ resource, name, operation }) => {
    const bits = known[resource].get(name);
    return bits !== null && bits !== undefined && (bits & (1 << BIT[operation])) === 0;
  });
}
