/** The log port over the simulated broker, as one process sees it. The order of requests is that of the Kafka adapter. */
import { assert, FarhandError } from '#lib/kernel/errors.ts';
import { Gathered } from '#lib/log/gathered.ts';
import type { Commit, GroupMember, JoinOptions, Log, LogAdmin, LogRecord, Membership, OutgoingRecord, Position, Reader, TaskWriter } from '#lib/log/log.ts';
import { Group } from './broker/group.ts';
import type { Network } from './broker/network.ts';
import { SimReader } from './sim-reader.ts';

export type Groups = Map<string, Group>;

export class SimLog implements Log {
  readonly admin: LogAdmin;
  readonly #network: Network;
  readonly #groups: Groups;
  readonly #committedOnly: boolean;
  readonly #readers = new Set<SimReader>();

  /** `committedOnly` false is a mutant: a reader that is not read_committed. */
  constructor(network: Network, groups: Groups, committedOnly = true) {
    this.#network = network;
    this.#groups = groups;
    this.#committedOnly = committedOnly;
    const { broker } = network.options;
    this.admin = {
      missingRights: () => Promise.resolve([]),
      configure: () => Promise.resolve(),
      describe: (topics) => network.request('other', () => new Map(topics.map((name) => [name, broker.describe(name)]))),
      create: (topics) => network.request('other', () => broker.create(topics)),
      membersOf: (group) => network.request('other', () => groups.get(group)?.size ?? 0),
    };
  }

  join(options: JoinOptions, member: GroupMember): Promise<Membership> {
    const { broker } = this.#network.options;
    let group = this.#groups.get(options.group);
    if (group === undefined) {
      const tasksOf = (topics: readonly string[]) => Math.max(0, ...topics.map((name) => broker.partitions(name).length));
      this.#groups.set(options.group, (group = new Group(broker.clock, tasksOf)));
    }
    return group.join(options, member, this.#network);
  }

  openReader(): Promise<Reader> {
    const reader = new SimReader(this.#network, this.#committedOnly, () => this.#readers.delete(reader));
    this.#readers.add(reader);
    return Promise.resolve(reader);
  }

  async openWriter(transactionalId: string): Promise<TaskWriter> {
    const { broker } = this.#network.options;
    const epoch = await this.#network.request('other', () => broker.initProducer(transactionalId));
    return new SimWriter(this.#network, transactionalId, epoch);
  }

  committedPositions(group: string, topics: readonly string[], partition: number): Promise<Position[]> {
    const { broker } = this.#network.options;
    return this.#network.request('other', () => topics.map((topic) => ({ topic, partition, offset: broker.position(group, topic, partition) })));
  }

  /** Takes no time and draws no faults, so that kept seeds from before there was this question draw the same world. */
  async offsetsOf(topic: string, partition: number): Promise<{ start: number; end: number }> {
    const { broker, process } = this.#network.options;
    await process.gate();
    return { start: 0, end: broker.partition(topic, partition).end };
  }

  async readToEnd(topic: string, partition: number, take: (records: readonly LogRecord[]) => void, from = 0): Promise<number> {
    const { broker } = this.#network.options;
    const { records, next } = await this.#network.request('other', () => broker.read(topic, partition, from, Infinity, this.#committedOnly));
    if (records.length > 0) take(records);
    return next;
  }

  hasMore({ topic, partition, offset }: Position): Promise<boolean> {
    const { broker } = this.#network.options;
    return this.#network.request('other', () => broker.partition(topic, partition).hasMore(offset));
  }

  partitionsOf(topics: readonly string[]): Promise<Map<string, number>> {
    const { broker } = this.#network.options;
    return this.#network.request('other', () => new Map(topics.map((name) => [name, broker.describe(name)?.partitions ?? 0])));
  }

  append(records: readonly OutgoingRecord[]): Promise<void> {
    return this.#network.request('other', () => this.#network.options.broker.append(records));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#readers].map((reader) => reader.close()));
  }
}

/** How long the markers of a decided transaction may take, ms. */
const MARKERS_MS = { least: 1, most: 5, late: 1_500 };

class SimWriter implements TaskWriter {
  readonly #network: Network;
  readonly #id: string;
  readonly #epoch: number;
  readonly fence: TaskWriter['fence'];
  #begun: Promise<void> | null = null;
  readonly #gathered = new Gathered();
  #ended = false;

  constructor(network: Network, id: string, epoch: number) {
    this.fence = { producer: id, epoch };
    this.#network = network;
    this.#id = id;
    this.#epoch = epoch;
  }

  add(records: readonly OutgoingRecord[]): void {
    this.#gathered.add(records);
  }

  prepare(): void {
    if (this.#ended || this.#begun !== null) return;
    this.#begun = this.#begin();
    this.#begun.catch(() => undefined);
  }

  #begin(): Promise<void> {
    const { options } = this.#network;
    return this.#network.request('other', () => options.broker.begin(this.#id, this.#epoch));
  }

  async commit({ records, group, positions }: Commit): Promise<void> {
    assert(!this.#ended, 'a writer that failed is not used again');
    const all = this.#gathered.take(records);
    try {
      await this.#commit(all, group, positions);
    } catch (error) {
      this.#ended = true;
      if (error instanceof FarhandError) throw error;
      throw new FarhandError('FARHAND_LOG_UNAVAILABLE', `commit of ${this.#id}: ${(error as Error).message}`, { cause: error });
    }
  }

  async #commit(records: readonly OutgoingRecord[], group: string, positions: readonly Position[]): Promise<void> {
    const begun = this.#begun;
    this.#begun = null;
    if (begun === null && records.length === 0 && positions.length === 0) return;
    const network = this.#network;
    const { broker, faults } = network.options;
    await (begun ?? this.#begin());
    // One request per topic, as if each had a broker of its own: they arrive one by one, or not at all.
    const byTopic = [...Map.groupBy(records, (record) => record.topic).values()];
    const requests = byTopic.map((of) => network.request('produce', () => broker.produce(this.#id, this.#epoch, of)));
    requests.push(network.request('other', () => broker.addPositions(this.#id, this.#epoch, group, positions)));
    for (const result of await Promise.allSettled(requests)) if (result.status === 'rejected') throw result.reason;
    await network.request('commit', () => {
      broker.prepareCommit(this.#id, this.#epoch);
      const late = faults.draw('late marker') ? MARKERS_MS.late : 0;
      void broker.clock.sleep(faults.uniform(MARKERS_MS.least, MARKERS_MS.most) + late).then(() => broker.complete(this.#id, this.#epoch));
    });
  }

  close(): Promise<void> {
    this.#ended = true;
    return Promise.resolve();
  }
}
