/**
 * The workers of a replay as the reader sees them: records go in one after the other, each to the worker that owns its
 * lane; answers come back by block. A worker that is behind holds the reader back.
 */
import type { BarrierState } from '../../services/detect/fleet/barrier.ts';
import { TICK } from './block.ts';
import { FleetRound, type FleetRoundOptions } from './fleet-round.ts';
import type { Packed } from './fleet-wire.ts';
import { LANE_START, type LanePosition } from './enriched/reader.ts';
import type { Advanced, HostCheckpoint, HostResult, LaneFile, LaneProgress } from './host-contract.ts';
import { EVERY_LANE } from './lanes.ts';
import { Members, type Member, type MembersOptions } from './members.ts';
import { AT_ONCE } from './peek-line.ts';
import type { Source, SourceRecord } from './source.ts';

/** Orders that may be under way to one worker. */
const AHEAD_MAX = 2;
const isKeepingUp = ({ underWay }: Member): boolean => underWay < AHEAD_MAX;

export interface CrewOptions extends MembersOptions {
  readonly fleet: Omit<FleetRoundOptions, 'config' | 'share' | 'parts'>;
  /** Of the process that this one goes on from. */
  readonly barrier: BarrierState | null;
}

/** Source of ticks, which are no records. */
const TICKS = { source: { index: TICK, label: '', partition: 0, form: 'lines', schemaText: null }, bytes: Buffer.alloc(0), start: 0, end: 0, arrivedAt: null, lane: EVERY_LANE, refusal: null } as const;

export class Crew {
  readonly #members: Members;
  readonly #known = new Set<Source>();
  readonly #round: FleetRound;
  /** What the exchange makes of the last barrier, and the earliest event time at which that may matter. */
  #answer: { readonly due: number; readonly facts: Promise<readonly Packed[]> } | null = null;
  /** Until it is settled, nothing goes to the workers: first they are to be told what the exchange made of a barrier. */
  #telling: Promise<void> | null = null;
  /** Whether the time that was reached is said to the lanes, for the stream that they keep. */
  readonly #marks: boolean;

  static async open(options: CrewOptions): Promise<Crew> {
    const crew = new Crew(options);
    try {
      await crew.#members.start(options);
    } catch (error) {
      await crew.close();
      throw error;
    }
    return crew;
  }

  private constructor(options: CrewOptions) {
    const { share, host, fleet, barrier } = options;
    this.#marks = host.keepEnriched !== null;
    this.#members = new Members(options);
    this.#members.onIdle = (member) => {
      if (this.#telling === null) this.#post(member);
    };
    this.#round = new FleetRound({ config: host.config.detect, share, parts: this.#members.all.length, ...fleet }, barrier);
  }

  /** Undefined where the caller may go on at once. `serial` is the record's number in the run. */
  send(record: SourceRecord, serial: number): undefined | Promise<void> {
    const barrier = this.#round.isBefore(record);
    const tick = this.#marks && this.#round.ticks();
    if (barrier || tick || this.#isUnlearnt(record)) return this.#pause(barrier, tick, record).then(() => this.#pass(record, serial));
    return this.#pass(record, serial);
  }

  async #pause(barrier: boolean, tick: boolean, record: SourceRecord): Promise<void> {
    if (tick) for (const member of this.#members.all) await this.#add(member, { ...TICKS, offset: this.#round.barrier.front }, -1);
    if (barrier) await this.#meet();
    if (this.#isUnlearnt(record)) await this.#learn();
  }

  /** Whether facts that are not told yet may be in force at the record's time. */
  #isUnlearnt({ time, lane }: SourceRecord): boolean {
    return this.#answer !== null && (time >= this.#answer.due || (time === AT_ONCE && lane !== EVERY_LANE));
  }

  /**
   * A barrier: everybody works off what was sent and reports. What the exchange makes of that is needed only once it is
   * due; the workers go on meanwhile, and learn it at the same place of the history however fast each of them was.
   */
  async #meet(): Promise<void> {
    await this.#learn();
    const { front } = this.#round.barrier;
    await this.#dispatchAll((member) => {
      member.reports = null;
      member.hand!.post({ kind: 'meet', front });
    });
    const { complete, due } = this.#round.begin();
    const facts = this.#exchange(complete);
    facts.catch(() => {}); // whoever waits for them hears of it
    this.#answer = { due, facts };
  }

  /** Every worker makes of what all of them have reported what is its own part. */
  async #exchange(complete: number): Promise<Packed[]> {
    await this.#members.until(({ reports }) => reports !== null);
    const parts = await this.#round.gather(this.#members.all.map(({ reports }) => reports!), complete);
    for (const [i, member] of this.#members.all.entries()) {
      member.facts = null;
      member.hand!.post({ kind: 'exchange', reports: parts[i]!, complete });
    }
    await this.#members.until(({ facts }) => facts !== null);
    return this.#members.all.map(({ facts }) => facts!).filter(({ count }) => count > 0);
  }

  /** From here on everything comes after what the exchange made of the last barrier: until that is told, it waits with the reader, which reads on. */
  async #learn(): Promise<void> {
    if (this.#answer === null) return;
    const { facts } = this.#answer;
    this.#answer = null;
    await this.#dispatchAll();
    this.#telling = facts.then((all) => this.#tell(all));
    this.#telling.catch(() => {}); // whoever sends something hears of it
  }

  #tell(facts: readonly Packed[]): void {
    this.#telling = null;
    for (const member of this.#members.all) {
      if (facts.length > 0) member.hand!.post({ kind: 'learn', facts });
      this.#post(member);
    }
  }

  #pass(record: SourceRecord, serial: number): undefined | Promise<void> {
    if (!this.#known.has(record.source)) {
      this.#known.add(record.source);
      for (const { hand } of this.#members.all) hand!.post({ kind: 'source', source: record.source });
    }
    if (record.lane !== EVERY_LANE) {
      const owner = this.#members.ownerOf(record.lane);
      return owner === undefined ? undefined : this.#add(owner, record, serial);
    }
    const waits = this.#members.all.map((member) => this.#add(member, record, serial)).filter((wait) => wait !== undefined);
    return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined);
  }

  /**
   * Reads kept lanes. `positions` says where each stands and is kept up to date; `onProgress` may stop it by answering
   * true: then everything that was begun is finished, and the lanes stand where a checkpoint may be made.
   */
  async readLanes(files: readonly LaneFile[], positions: Map<number, LanePosition>, onProgress: (progress: readonly LaneProgress[]) => boolean): Promise<void> {
    return this.#round.enabled ? this.#readTogether(files, positions, onProgress) : this.#readApart(files, positions, onProgress);
  }

  /** Where people have something in common: all lanes at a time, from barrier to barrier. */
  async #readTogether(files: readonly LaneFile[], positions: Map<number, LanePosition>, onProgress: (progress: readonly LaneProgress[]) => boolean): Promise<void> {
    const own = new Map(this.#members.all.map((member) => [member, files.filter(({ lane }) => this.#members.ownerOf(lane) === member)]));
    for (;;) {
      let stopped = false;
      const onAdvanced = ({ progress }: Advanced): void => {
        for (const { lane, position } of progress) positions.set(lane, position);
        stopped = onProgress(progress) || stopped;
      };
      const fronts = await Promise.all(this.#members.all.map((member) => this.#advance(member, own.get(member)!, positions, onAdvanced)));
      this.#answer = null; // every member has learnt it
      const front = fronts.reduce((least, at) => (at === null ? least : Math.min(least ?? at, at)), null);
      if (front !== null) {
        this.#round.barrier.reached(front);
        await this.#meet();
      }
      if (stopped || front === null) return this.#learn();
      await new Promise(setImmediate);
    }
  }

  /**
   * One worker up to the next barrier; answers the time there, null at the end of its lanes. What the exchange makes of the barrier
   * before is told on the way, once it may matter: until then the worker goes on and need not wait for it.
   */
  async #advance(member: Member, files: readonly LaneFile[], from: Map<number, LanePosition>, onAdvanced: (advanced: Advanced) => void): Promise<number | null> {
    const pending = this.#answer;
    const { complete } = this.#round.barrier;
    for (let before = pending?.due ?? Infinity; ; before = Infinity) {
      member.advanced = null;
      member.hand!.post({ kind: 'advance', files, from, complete, before });
      await this.#members.until(({ advanced }) => advanced !== null, [member]);
      const advanced: Advanced = member.advanced!;
      onAdvanced(advanced);
      if (pending !== null && before !== Infinity) {
        const facts = await pending.facts;
        if (facts.length > 0) member.hand!.post({ kind: 'learn', facts });
      }
      if (!advanced.held) return advanced.front;
    }
  }

  /** Each worker its own lanes, one after the other. */
  async #readApart(files: readonly LaneFile[], positions: Map<number, LanePosition>, onProgress: (progress: readonly LaneProgress[]) => boolean): Promise<void> {
    const queues = new Map(this.#members.all.map((member) => [member, files.filter(({ lane }) => this.#members.ownerOf(lane) === member)]));
    let stopped = false;
    const next = (member: Member): void => {
      const file = queues.get(member)![0];
      if (file === undefined || stopped) return;
      member.underWay++;
      member.hand!.post({ kind: 'slice', file, from: positions.get(file.lane) ?? LANE_START });
    };
    const woken = (member: Member): void => {
      if (this.#members.all.length === 1) setImmediate(next, member);
      else next(member);
    };
    this.#members.onSliced = (member, progress) => {
      positions.set(progress.lane, progress.position);
      if (progress.ended) queues.get(member)!.shift();
      stopped = onProgress([progress]) || stopped;
      woken(member);
    };
    for (const member of this.#members.all) woken(member);
    await this.#members.until((member) => member.underWay === 0 && (stopped || queues.get(member)!.length === 0));
  }

  /** For the next process, as of the last checkpoint. */
  get barrier(): BarrierState {
    return this.#round.barrier.state;
  }

  /** Sends what is still collected, and has every worker write its state into `directory`. */
  async checkpoint(directory: string): Promise<readonly { checkpoint: HostCheckpoint; result: HostResult }[]> {
    await this.#learn();
    await this.#dispatchAll((member) => {
      member.kept = null;
      member.hand!.post({ kind: 'checkpoint', directory });
    });
    await this.#members.until(({ kept }) => kept !== null);
    return this.#members.all.map(({ kept }) => kept!);
  }

  /** Sends what is still collected and ends the input; answers what each worker knows. */
  async finish(): Promise<HostResult[]> {
    await this.#learn();
    await this.#dispatchAll((member) => member.hand!.post({ kind: 'finish' }));
    await this.#members.until(({ result }) => result !== null);
    return this.#members.all.map(({ result }) => result!);
  }

  async close(): Promise<void> {
    await this.#members.close();
  }

  #add(member: Member, record: Omit<SourceRecord, 'time' | 'arrivalKnown'>, serial: number): undefined | Promise<void> {
    const { builder } = member;
    const wait = builder.isFullFor(record) ? this.#dispatch(member) : undefined;
    if (wait !== undefined) return wait.then(() => builder.add(record, serial));
    builder.add(record, serial);
    return undefined;
  }

  #post(member: Member): void {
    if (member.builder.count === 0) return;
    member.underWay++;
    member.hand!.post({ kind: 'block', block: member.builder.take() });
  }

  #dispatch(member: Member): undefined | Promise<void> {
    this.#members.check();
    if (this.#telling !== null) return this.#telling.then(() => this.#dispatch(member));
    this.#post(member);
    return member.underWay < AHEAD_MAX ? undefined : this.#members.until(isKeepingUp, [member]);
  }

  /** To everybody what is still collected, and then `order`; whoever is behind keeps nobody else waiting. */
  async #dispatchAll(order: (member: Member) => void = () => {}): Promise<void> {
    await this.#telling;
    this.#members.check();
    for (const member of this.#members.all) {
      this.#post(member);
      order(member);
    }
    await this.#members.until(isKeepingUp);
  }
}
