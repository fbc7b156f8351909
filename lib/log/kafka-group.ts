/**
 * Membership of a consumer group on Kafka. kafkajs's consumer is used for joining, heartbeats and leaving only: all of
 * its partitions stay paused, so that none of its fetching, seeking and committing takes part. What it lacks is added:
 * a sticky assigner that keeps co-partitioned inputs together, and a hook before every (re)join, so that tasks have
 * stopped and committed before the group moves them.
 */
import kafkajs, { type Consumer, type Kafka, type PartitionAssigner } from 'kafkajs';
import type { Clock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { assignTasks, byTimeHeld, type Candidate } from './assignment.ts';
import { asLogError, RETRY } from './kafka-client.ts';
import { within, type KafkaCluster } from './kafka-cluster.ts';
import type { GroupMember, JoinOptions, Membership } from './log.ts';

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

/** Longest time to leave: after it the group finds out by itself. */
const LEAVE_MS_MAX = 5_000;

interface Bag {
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

export class KafkaMembership implements Membership {
  readonly #consumer: Consumer;
  readonly #options: JoinOptions;
  readonly #member: GroupMember;
  readonly #group: GroupOptions;
  readonly #clock: Clock;
  readonly #ended = new AbortController();
  #held: readonly number[] = [];
  #epoch = 0;
  /** When the group was last heard of, monotonic ms. */
  #heardMs: number;

  constructor(kafka: Kafka, options: JoinOptions, group: GroupOptions, member: GroupMember, clock: Clock) {
    this.#options = options;
    this.#group = group;
    this.#clock = clock;
    this.#heardMs = clock.monotonicMs();
    this.#member = member;
    const bag = (): Bag => ({ worker: options.worker, held: this.#held });
    this.#consumer = kafka.consumer({
      groupId: options.group,
      partitionAssigners: [stickyAssigner(options.topics, bag, () => this.#beforeJoin())],
      sessionTimeout: group.sessionTimeoutMs,
      heartbeatInterval: group.heartbeatMs,
      rebalanceTimeout: group.rebalanceTimeoutMs,
      maxWaitTimeInMs: IDLE_POLL_MS,
      allowAutoTopicCreation: false,
      retry: RETRY,
    });
    const { GROUP_JOIN, HEARTBEAT, CRASH } = this.#consumer.events;
    this.#consumer.on(GROUP_JOIN, ({ payload }) => this.#joined(payload.memberAssignment));
    this.#consumer.on(HEARTBEAT, () => this.#heard());
    this.#consumer.on(CRASH, ({ payload }) => {
      if (!payload.restart && !this.#left) member.lost(asLogError(payload.error, `the group ${options.group}`));
    });
  }

  get epoch(): number {
    return this.#epoch;
  }

  get #left(): boolean {
    return this.#ended.signal.aborted;
  }

  #heard(): void {
    this.#heardMs = this.#clock.monotonicMs();
  }

  /** A request that hangs in kafkajs ends the membership without a word: then nobody would ever get our tasks back to us. */
  async #watch(): Promise<void> {
    const { sessionTimeoutMs, rebalanceTimeoutMs } = this.#group;
    const silenceMsMax = 2 * sessionTimeoutMs + rebalanceTimeoutMs;
    while (!this.#left) {
      await this.#clock.sleep(sessionTimeoutMs, this.#ended.signal);
      if (this.#left || this.#clock.monotonicMs() - this.#heardMs <= silenceMsMax) continue;
      this.#member.lost(new FarhandError('FARHAND_LOG_UNAVAILABLE', `the group ${this.#options.group} was not heard of for ${silenceMsMax} ms`));
      return;
    }
  }

  async start(): Promise<void> {
    try {
      const starting = this.#consumer.connect().then(async () => {
        await this.#consumer.subscribe({ topics: [...this.#options.topics], fromBeginning: true });
        await this.#run();
      });
      await within(this.#clock, this.#group.rebalanceTimeoutMs + this.#group.sessionTimeoutMs, 'the first assignment', starting);
      void this.#watch();
    } catch (error) {
      throw asLogError(error, `joining the group ${this.#options.group}`);
    }
  }

  /** Every partition is paused, so the handler is never called; if it is, that is a mistake of ours. */
  #run(): Promise<void> {
    return this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: ({ batch }) =>
        Promise.reject(new FarhandError('FARHAND_INVARIANT', `${batch.topic}/${batch.partition} was fetched by the membership`)),
    });
  }

  async #beforeJoin(): Promise<void> {
    this.#epoch++;
    await this.#member.quiesce();
    this.#heard();
  }

  /** Runs before kafkajs fetches anything of the new assignment: its emitter calls listeners at once. */
  #joined(assignment: Record<string, number[]>): void {
    this.#epoch++;
    this.#heard();
    this.#consumer.pause(Object.entries(assignment).map(([topic, partitions]) => ({ topic, partitions })));
    const tasks = [...new Set(Object.values(assignment).flat())].sort((a, b) => a - b);
    this.#held = byTimeHeld(this.#held, tasks);
    this.#member.assigned(tasks);
  }

  async rejoin(): Promise<void> {
    this.#held = [];
    const { rebalanceTimeoutMs } = this.#group;
    await within(this.#clock, rebalanceTimeoutMs, 'leaving the group', this.#consumer.stop());
    if (!this.#left) await this.#run();
  }

  async leave(): Promise<void> {
    this.#ended.abort();
    this.#epoch++;
    await within(this.#clock, LEAVE_MS_MAX, 'leaving the group', this.#consumer.disconnect());
  }
}
