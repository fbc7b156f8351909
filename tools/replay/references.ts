/** The reference data of a host: every host applies every record, in the order of the history; one of them says which were refused. */
import type { DecodeResult } from '#lib/codec/decoder.ts';
import { assert } from '#lib/kernel/errors.ts';
import { findingIdOf } from '#lib/kernel/identity.ts';
import { createPseudonymiser, type Pseudonymiser } from '#lib/kernel/pseudonym.ts';
import { createMemoryReference, type MemoryReference } from '#lib/reference/memory.ts';
import type { DeadLetter, HistoryRecord, ReferenceRecord } from '#schemas/records.ts';
import { deadLetterOf } from '../../services/ingest/dead-letter.ts';
import { isReference } from './history-feed.ts';
import type { HostOptions } from './host-contract.ts';
import type { LaneRecord } from './lane.ts';
import { checkReference } from './reference-check.ts';
import { ReferenceLog, readReferences } from './reference-log.ts';

type Problem = Pick<DeadLetter, 'reason' | 'detail'>;

export class References {
  readonly store: MemoryReference;
  readonly pseudonymiser: Pseudonymiser;
  readonly #reporter: boolean;
  readonly #onRefusal: (serial: number, letter: DeadLetter) => void;
  readonly #log: ReferenceLog | null;
  /** Takes what the store refuses of the record that it is shown. */
  #refuse: ((problem: Problem) => void) | null = null;

  /** `onRefusal` is called on the reporter alone. */
  constructor({ config, reporter, referenceLog, resume }: HostOptions, onRefusal: (serial: number, letter: DeadLetter) => void) {
    this.pseudonymiser = createPseudonymiser(config.privacy);
    this.store = createMemoryReference({
      findingIdOf: (tenantId, sessionId, ordinal) => findingIdOf(tenantId, sessionId, ordinal, config.detect.rulesName),
      onRefused: (_record, detail) => this.#refuse?.({ reason: 'OUT_OF_RANGE', detail }),
    });
    this.#reporter = reporter;
    this.#onRefusal = onRefusal;
    this.#log = referenceLog !== null && reporter ? new ReferenceLog(referenceLog, resume?.referenceBytes ?? 0) : null;
    if (resume !== null) for (const record of readReferences(resume.referenceLog, resume.referenceBytes)) this.store.apply([record]);
  }

  apply(record: LaneRecord, result: DecodeResult<HistoryRecord>): void {
    if (!result.ok) return this.#reject(record, record.arrivedAt, result);
    const reference = result.event as ReferenceRecord;
    assert(isReference(reference), 'only reference records go to every lane');
    const reject = (problem: Problem): void => this.#reject(record, result.arrivedAt, problem);
    const problem = checkReference(reference);
    if (problem !== null) return reject(problem);
    const known = this.pseudonymiser.idle ? reference : this.pseudonymiser.reference(reference);
    this.#refuse = reject;
    this.store.apply([known]);
    this.#refuse = null;
    this.#log?.write(known);
  }

  #reject(record: LaneRecord, arrivedAt: number | null, problem: Problem): void {
    if (this.#reporter) this.#onRefusal(record.serial, deadLetterOf(record, arrivedAt, problem));
  }

  /** Puts the log on the disk; answers its length, bytes. */
  sync(): number {
    return this.#log?.sync() ?? 0;
  }
}
