/** The coordinator of a group or of a transactional id: found when it is first needed, and again where it has moved since. */
import type { Clock } from '#lib/kernel/clock.ts';
import { retrySoon, TRANSACTION_COORDINATOR, type KafkaFailure } from './kafka-client.ts';
import type { KafkaBroker, KafkaCluster } from './kafka-cluster.ts';

/** Of the coordinator that was asked: another is, or will be. */
const MOVED = new Set(['NOT_COORDINATOR_FOR_GROUP', 'GROUP_COORDINATOR_NOT_AVAILABLE']);

export class Coordinator {
  readonly #cluster: KafkaCluster;
  readonly #clock: Clock;
  readonly #of: { readonly groupId: string; readonly coordinatorType?: number };
  #found: KafkaBroker | null = null;

  private constructor(cluster: KafkaCluster, clock: Clock, of: { readonly groupId: string; readonly coordinatorType?: number }) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#of = of;
  }

  static ofGroup(cluster: KafkaCluster, clock: Clock, groupId: string): Coordinator {
    return new Coordinator(cluster, clock, { groupId });
  }

  static ofTransactions(cluster: KafkaCluster, clock: Clock, transactionalId: string): Coordinator {
    return new Coordinator(cluster, clock, { groupId: transactionalId, coordinatorType: TRANSACTION_COORDINATOR });
  }

  /** One request, asked again until `deadlineMs` (monotonic) while the answer is that it was not done, and may be soon. */
  ask<T>(deadlineMs: number, request: (broker: KafkaBroker) => Promise<T>): Promise<T> {
    return retrySoon(this.#clock, deadlineMs, async () => {
      this.#found ??= await this.#cluster.findGroupCoordinator(this.#of);
      try {
        return await request(this.#found);
      } catch (error) {
        if (MOVED.has((error as KafkaFailure).type ?? '')) this.#found = null;
        throw error;
      }
    });
  }
}
