/**
 * A member of a consumer group on Kafka. kafkajs's consumer is used for joining, heartbeats and leaving only: all of its partitions stay
 * paused, so that none of its fetching, seeking and committing takes part. What it lacks is added: a sticky assigner that keeps co-partitioned
 * inputs together, a hook before every (re)join, and an end that is one.
 */
import kafkajs, { type Consumer, type Kafka, type PartitionAssigner } from 'kafkajs';
import { FarhandError } from '#lib/kernel/errors.ts';
import { assignTasks, type Candidate } from './assignment.ts';
import { RETRY } from './kafka-client.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import type { JoinOptions } from './log.ts';

export interface GroupOptions {
  readonly sessionTimeoutMs: number;
  readonly heartbeatMs: number;
  /** How long the group waits for its members to stop their tasks and rejoin. */
  readonly rebalanceTimeoutMs: number;
}

const ASSIGNER = 'farhand-sticky';
const VERSION = 0;
/** How often the paused consumer looks whether a heartbeat is due: the delay of noticing a rebalance, and of leaving. */
const IDLE_POLL_MS = 50;

export interface Bag {
  readonly worker: string;
  readonly held: readonly number[];
}

function parseBag(userData: Buffer | null | undefined, memberId: string): Bag {
  try {
    const bag = JSON.parse(String(userData)) as Bag;
    if (typeof bag.worker === 'string' && Array.isArray(bag.held)) return bag;
  } catch {
    // A member of another kind (or an empty bag): it gets tasks, it holds none.
  }
  return { worker: memberId, held: [] };
}

/** The assigner as kafkajs wants it; `bag` is asked at every join for what this worker holds. */
function stickyAssigner(topics: readonly string[], bag: () => Bag, beforeJoin: () => Promise<void>): PartitionAssigner {
  return (config) => {
    const { cluster } = config as unknown as { cluster: KafkaCluster };
    const find = cluster.findGroupCoordinator.bind(cluster);
    // The first thing that kafkajs does at every join, and awaits: the only place to hold a rejoin back.
    cluster.findGroupCoordinator = async (of) => {
      await beforeJoin();
      return find(of);
    };
    return {
      name: ASSIGNER,
      version: VERSION,
      protocol: () => ({
        name: ASSIGNER,
        metadata: kafkajs.AssignerProtocol.MemberMetadata.encode({
          version: VERSION,
          topics: [...topics],
          userData: Buffer.from(JSON.stringify(bag())),
        }),
      }),
      assign: ({ members }) => {
        const candidates: Candidate[] = members.map(({ memberId, memberMetadata }) => {
          const userData = kafkajs.AssignerProtocol.MemberMetadata.decode(memberMetadata)?.userData;
          return { member: memberId, ...parseBag(userData, memberId) };
        });
        const tasks = Math.max(0, ...topics.map((topic) => cluster.findTopicPartitionMetadata(topic).length));
        const assigned = assignTasks(candidates, tasks);
        return Promise.resolve(
          [...assigned].map(([memberId, held]) => ({
            memberId,
            memberAssignment: kafkajs.AssignerProtocol.MemberAssignment.encode({
              version: VERSION,
              assignment: Object.fromEntries(topics.map((topic) => [topic, held])),
              userData: Buffer.alloc(0),
            }),
          })),
        );
      },
    };
  };
}

export interface MemberListener {
  beforeJoin(): Promise<void>;
  joined(assignment: Record<string, number[]>): void;
  heard(): void;
  lost(error: Error): void;
}

/**
 * One consumer of kafkajs, from its first join to its end. Once it has been given up it must not come back: kafkajs starts a failed consumer
 * again, and one that is stopped while it joins goes on joining; as a member of its own it would hold tasks that nobody works on.
 */
export class KafkaMember {
  readonly #consumer: Consumer;
  readonly #topics: readonly string[];
  #live = true;
  /** Between the begin of a join, or a failure that leads to one, and its end. */
  #under = true;

  constructor(kafka: Kafka, options: JoinOptions, group: GroupOptions, bag: () => Bag, listener: MemberListener) {
    this.#topics = [...options.topics];
    const beforeJoin = async (): Promise<void> => {
      this.#under = true;
      this.#refuseDead();
      await listener.beforeJoin();
      this.#refuseDead();
    };
    this.#consumer = kafka.consumer({
      groupId: options.group,
      partitionAssigners: [stickyAssigner(options.topics, bag, beforeJoin)],
      sessionTimeout: group.sessionTimeoutMs,
      heartbeatInterval: group.heartbeatMs,
      rebalanceTimeout: group.rebalanceTimeoutMs,
      maxWaitTimeInMs: IDLE_POLL_MS,
      allowAutoTopicCreation: false,
      retry: { ...RETRY, restartOnFailure: () => Promise.resolve(this.#live) },
    });
    const { GROUP_JOIN, HEARTBEAT, CRASH } = this.#consumer.events;
    this.#consumer.on(GROUP_JOIN, ({ payload }) => {
      this.#refuseDead();
      this.#under = false;
      this.#pause(payload.memberAssignment);
      listener.joined(payload.memberAssignment);
    });
    this.#consumer.on(HEARTBEAT, () => {
      if (this.#live) listener.heard();
    });
    this.#consumer.on(CRASH, ({ payload }) => {
      this.#under = true;
      if (this.#live && !payload.restart) listener.lost(payload.error);
    });
  }

  get under(): boolean {
    return this.#live && this.#under;
  }

  /** Ends a join of kafkajs's: it looks at nothing but what its requests and listeners throw. */
  #refuseDead(): void {
    if (!this.#live) throw new FarhandError('FARHAND_INVARIANT', 'this member was given up');
  }

  /** Before kafkajs fetches anything of the new assignment: its emitter calls listeners at once. */
  #pause(assignment: Record<string, number[]>): void {
    this.#consumer.pause(Object.entries(assignment).map(([topic, partitions]) => ({ topic, partitions })));
  }

  /** Resolves with the first assignment. Every partition is paused, so the handler is never called; if it is, that is a mistake of ours. */
  async start(): Promise<void> {
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [...this.#topics], fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: ({ batch }) => Promise.reject(new FarhandError('FARHAND_INVARIANT', `${batch.topic}/${batch.partition} was fetched by the membership`)),
    });
  }

  /** Leaves the group, where it is in it. */
  async giveUp(): Promise<void> {
    this.#live = false;
    await this.#consumer.disconnect();
  }
}
