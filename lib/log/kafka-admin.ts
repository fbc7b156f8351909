/** Topics of a Kafka cluster: what there is, and creating what is missing. */
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import type { Clock } from '#lib/kernel/clock.ts';
import { asLogError, isForbidden, retrySoon, UNPLACED } from './kafka-client.ts';
import { closeCluster, openCluster, within, type KafkaCluster } from './kafka-cluster.ts';
import { missingRights, partitionCounts } from './kafka-rights.ts';
import type { LogAdmin, Right, TopicSpec } from './log.ts';

/** How long a new topic may take until all of its partitions are served. */
const SERVED_MS_MAX = 15_000;
const CREATE_MS_MAX = 30_000;

/** ConfigSource of what was set on the topic itself. */
const SET_ON_TOPIC = 1;

const DESCRIBE_ATTEMPTS = 5;
const DESCRIBE_RETRY_MS = 100;
const DESCRIBE_MS_MAX = 10_000;

export class KafkaAdmin implements LogAdmin {
  readonly #kafka: Kafka;
  readonly #clock: Clock;

  constructor(kafka: Kafka, clock: Clock) {
    this.#kafka = kafka;
    this.#clock = clock;
  }

  /** A client of its own for every question, with a deadline: none is asked often. */
  async #with<T>(what: string, msMax: number, ask: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.#kafka.admin();
    try {
      return await within(this.#clock, msMax, what, admin.connect().then(() => ask(admin)));
    } finally {
      admin.disconnect().catch(() => undefined);
    }
  }

  /** Only looks, so it may be asked again: kafkajs's admin answers a lost connection with a TypeError of its own. */
  async describe(topics: readonly string[], settings: readonly string[]): Promise<Map<string, TopicSpec | null>> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#with('describing topics', DESCRIBE_MS_MAX, (admin) => this.#describe(admin, topics, settings));
      } catch (error) {
        if (attempt === DESCRIBE_ATTEMPTS || isForbidden(error)) throw asLogError(error, 'describing topics');
        await this.#clock.sleep(DESCRIBE_RETRY_MS * attempt);
      }
    }
  }

  async #describe(admin: Admin, topics: readonly string[], settings: readonly string[]): Promise<Map<string, TopicSpec | null>> {
    const known = new Set(await admin.listTopics());
    const present = topics.filter((topic) => known.has(topic));
    const found = new Map<string, TopicSpec | null>(topics.map((topic) => [topic, null]));
    if (present.length === 0) return found;
    const metadata = await admin.fetchTopicMetadata({ topics: present });
    const configs = await settingsOf(admin, present, settings);
    for (const { name, partitions } of metadata.topics) {
      found.set(name, { name, partitions: partitions.length, settings: configs.get(name) ?? {} });
    }
    return found;
  }

  async create(topics: readonly TopicSpec[], replicationFactor: number): Promise<void> {
    if (topics.length === 0) return;
    try {
      await this.#with('creating topics', CREATE_MS_MAX, async (admin) => {
        const created = await admin.createTopics({
          waitForLeaders: false, // below: kafkajs gives up where a broker has not heard of the topic yet
          topics: topics.map(({ name, partitions, settings }) => ({
            topic: name,
            numPartitions: partitions,
            replicationFactor,
            configEntries: Object.entries(settings).map(([key, value]) => ({ name: key, value })),
          })),
        });
        if (!created) throw new Error(`one of ${topics.map((topic) => topic.name).join(', ')} exists already`);
        await this.#untilServed(admin, topics.map((topic) => topic.name));
      });
    } catch (error) {
      const failures = (error as { errors?: Error[] }).errors?.map((e) => e.message).join('; ');
      throw asLogError(failures === undefined ? error : new Error(failures), 'creating topics');
    }
  }

  async #untilServed(admin: Admin, topics: string[]): Promise<void> {
    const deadline = this.#clock.monotonicMs() + SERVED_MS_MAX;
    await retrySoon(this.#clock, deadline, () => admin.fetchTopicMetadata({ topics }), UNPLACED);
    for (const topic of topics) await retrySoon(this.#clock, deadline, () => admin.fetchTopicOffsets(topic), UNPLACED);
  }

  /** kafkajs has the request that replaces all settings of a topic, so those that were set on it are given again. */
  async configure(topic: string, settings: Readonly<Record<string, string>>): Promise<void> {
    try {
      await this.#with('changing the settings', DESCRIBE_MS_MAX, async (admin) => {
        const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic };
        const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] });
        const own = (resources[0]?.configEntries ?? []).filter((entry) => (entry as unknown as { configSource: number }).configSource === SET_ON_TOPIC);
        const all = { ...Object.fromEntries(own.map(({ configName, configValue }) => [configName, configValue])), ...settings };
        const configEntries = Object.entries(all).map(([name, value]) => ({ name, value }));
        await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] });
      });
    } catch (error) {
      throw asLogError(error, `changing the settings of ${topic}`);
    }
  }

  async membersOf(group: string): Promise<number> {
    try {
      const { groups } = await this.#with('describing a group', DESCRIBE_MS_MAX, (admin) => admin.describeGroups([group]));
      return groups.reduce((sum, { members }) => sum + members.length, 0);
    } catch (error) {
      throw asLogError(error, `describing the group ${group}`);
    }
  }

  missingRights(rights: readonly Right[]): Promise<Right[]> {
    return this.#ask('asking for the rights', (cluster) => missingRights(cluster, rights));
  }

  /** 0 where a topic is not there. Unlike `describe` it needs no right on the configuration. */
  async partitionsOf(topics: readonly string[]): Promise<Map<string, number>> {
    const found = await this.#ask('asking for the partitions', (cluster) => partitionCounts(cluster, topics));
    return new Map(topics.map((topic) => [topic, found.get(topic) ?? 0]));
  }

  /** Only looks, on a cluster of its own, so it may be asked again. */
  async #ask<T>(what: string, request: (cluster: KafkaCluster) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        const cluster = await openCluster(this.#kafka, this.#clock);
        try {
          return await within(this.#clock, DESCRIBE_MS_MAX, what, request(cluster));
        } finally {
          closeCluster(cluster);
        }
      } catch (error) {
        if (attempt === DESCRIBE_ATTEMPTS || isForbidden(error)) throw asLogError(error, what);
        await this.#clock.sleep(DESCRIBE_RETRY_MS * attempt);
      }
    }
  }
}

/** Of a topic whose configuration this user may not read there are none; kafkajs refuses all where one is refused. */
async function settingsOf(admin: Admin, topics: readonly string[], settings: readonly string[]): Promise<Map<string, Record<string, string>>> {
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: topics.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name, configNames: [...settings] })),
    });
    return new Map(resources.map(({ resourceName, configEntries }) => [resourceName, Object.fromEntries(configEntries.map((entry) => [entry.configName, entry.configValue]))]));
  } catch (error) {
    if (!isForbidden(error)) throw error;
    if (topics.length === 1) return new Map();
    const each = await Promise.all(topics.map((name) => settingsOf(admin, [name], settings)));
    return new Map(each.flatMap((one) => [...one]));
  }
}
