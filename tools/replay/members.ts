/** The workers of a replay: each with its lanes, what was ordered of it, and what it has reported. */
import { shareDatabases, type SharedFiles } from '../../services/enrich/databases.ts';
import { BlockBuilder } from './block.ts';
import { collectAlone } from './collector.ts';
import type { Packed } from './fleet-wire.ts';
import { errorOf, ownHand, threadHand, type Hand, type Report } from './hand.ts';
import type { Advanced, Answer, HostCheckpoint, HostOptions, HostResult, LaneProgress } from './host-contract.ts';
import { lanesOf, type Share } from './lanes.ts';

export interface Member {
  hand: Hand | null;
  readonly lanes: readonly number[];
  readonly builder: BlockBuilder;
  ready: boolean;
  underWay: number;
  kept: { checkpoint: HostCheckpoint; result: HostResult } | null;
  /** What was reported at the barrier that it has come to, by part of the exchange, and what its own part has made of all that. */
  reports: readonly Packed[] | null;
  facts: Packed | null;
  advanced: Advanced | null;
  result: HostResult | null;
}

export interface MembersOptions {
  /** 1: no thread, the reader does the work itself. */
  readonly workers: number;
  readonly share: Share;
  readonly host: Omit<HostOptions, 'reporter' | 'lanes' | 'part' | 'databases'>;
  readonly onAnswer: (answer: Answer) => void;
}

export class Members {
  readonly all: readonly Member[];
  /** By lane; undefined for lanes of other shares. */
  readonly #owners: (Member | undefined)[] = [];
  readonly #onAnswer: MembersOptions['onAnswer'];
  #failure: Error | null = null;
  #waiting: (() => void)[] = [];
  /** Called where a member has worked off all blocks that it was given, and where it has read a slice of a lane. */
  onIdle: (member: Member) => void = () => {};
  onSliced: (member: Member, progress: LaneProgress) => void = () => {};

  constructor({ workers, share, onAnswer }: MembersOptions) {
    const lanes = lanesOf(share);
    const count = Math.max(1, Math.min(workers, lanes.length));
    this.all = Array.from({ length: count }, (_, i) => {
      const own = lanes.filter((_lane, at) => at % count === i);
      return { hand: null, lanes: own, builder: new BlockBuilder(), ready: false, underWay: 0, kept: null, reports: null, facts: null, advanced: null, result: null };
    });
    for (const member of this.all) for (const lane of member.lanes) this.#owners[lane] = member;
    this.#onAnswer = onAnswer;
  }

  async start({ host, share }: MembersOptions): Promise<void> {
    collectAlone();
    const threads = this.all.length > 1;
    const onReport = (member: Member) => (report: Report) => this.#onReport(member, report);
    // Threads load their code while this one reads the databases for all of them.
    if (threads) for (const member of this.all) member.hand = threadHand(onReport(member));
    const databases: SharedFiles = threads && host.enrichedWith === null ? await shareDatabases(host.config.enrich) : new Map();
    for (const [i, member] of this.all.entries()) {
      const options = { ...host, databases, lanes: member.lanes, part: { index: i, of: this.all.length }, reporter: i === 0 && share.index === 1 };
      if (threads) member.hand!.post({ kind: 'open', options });
      else member.hand = await ownHand(options, onReport(member));
    }
    await this.until(({ ready }) => ready);
  }

  ownerOf(lane: number): Member | undefined {
    return this.#owners[lane];
  }

  /** Throws what a member has failed with. */
  check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /** Until all of them, or those that are given, have come so far; throws what a member has failed with. */
  async until(reached: (member: Member) => boolean, members = this.all): Promise<void> {
    for (;;) {
      this.check();
      if (members.every(reached)) return;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async close(): Promise<void> {
    for (const { hand } of this.all) await hand?.close();
  }

  #onReport(member: Member, report: Report): void {
    this.#take(member, report);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  #take(member: Member, report: Report): void {
    if ('answer' in report) this.#onAnswer(report.answer);
    switch (report.kind) {
      case 'ready':
        member.ready = true;
        return;
      case 'failed':
        this.#failure ??= errorOf(report);
        return;
      case 'done':
        member.underWay--;
        member.builder.giveBack(report.buffers);
        if (member.underWay === 0) this.onIdle(member);
        return;
      case 'sliced':
        member.underWay--;
        this.onSliced(member, report.progress);
        return;
      case 'advanced':
        member.advanced = report;
        return;
      case 'met':
        member.reports = report.reports;
        return;
      case 'exchanged':
        member.facts = report.facts;
        return;
      case 'kept':
        member.kept = report;
        return;
      case 'finished':
        member.result = report.result;
    }
  }
}
