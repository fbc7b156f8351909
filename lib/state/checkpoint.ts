/**
 * A checkpoint of one task's state on the local disk, taken while the task goes on. It is fuzzy: slices of the state are
 * encoded between batches, each with what it is at that moment, so the file alone is the state of no moment. Together
 * with the changelog from the offset in its header it is: whatever changed after that offset was known is read again,
 * tombstones included.
 *
 * Two conditions make that true. The offset is asked for before the first slice, so that every change before it is in
 * the memory that is copied. And the file is published only after a commit that began after the last slice: that one
 * holds everything uncommitted that was copied, and its success shows that no other worker had taken the task.
 */
import type { Clock } from '#lib/kernel/clock.ts';
import { changelogKey } from './changelog-key.ts';
import { CheckpointPart, checkpointHead, checkpointTail, type CheckpointHeader } from './checkpoint-format.ts';
import type { CheckpointDisk, CheckpointFile } from './disk.ts';
import type { CapturedState, StateChange } from './memory.ts';

/** Where and how often tasks keep checkpoints. */
export interface Checkpoints {
  readonly disk: CheckpointDisk;
  readonly intervalMs: number;
  /** Older ones are not used: the changelog may have lost tombstones that are newer than they are. */
  readonly ageMsMax: number;
}

export interface CheckpointerParts extends Checkpoints {
  readonly clock: Clock;
  readonly state: CapturedState;
  /** All but what is known only when a checkpoint is taken. */
  readonly header: Omit<CheckpointHeader, 'offset' | 'savedAtMs'>;
  /** The end of the changelog now. */
  readonly changelogEnd: () => Promise<number>;
  readonly onSaved: (saved: { readonly entries: number; readonly bytes: number; readonly seconds: number }) => void;
  onFailed(error: Error): void;
  /** Something was finished that the next step waits for. */
  wake(): void;
}

/** How long a slice may hold the task up, ms; and the part that it fills. */
const SLICE_MS = 5;
const PART_BYTES = 256 * 1024;
/** Entries between two looks at the clock. */
const ENTRIES_AT_ONCE = 16;

export const checkpointName = (changelog: string, partition: number): string => `${changelog}-${partition}.checkpoint`;

interface Copy {
  readonly file: CheckpointFile;
  readonly entries: Iterator<StateChange & { readonly value: Uint8Array }>;
  readonly beganMs: number;
  part: CheckpointPart;
  count: number;
  bytes: number;
  /** A write that is on its way. */
  writing: boolean;
}

type Stage =
  | { readonly is: 'idle' | 'beginning' | 'publishing' | 'closed' }
  /** Slice by slice; `complete` once all has been written; `confirming` while the commit is on its way that shows it true. */
  | { readonly is: 'copying' | 'complete' | 'confirming'; readonly copy: Copy };

export class Checkpointer {
  readonly #parts: CheckpointerParts;
  #stage: Stage = { is: 'idle' };
  #dueMs: number;
  /** Whether a commit has changed the state since the last checkpoint. */
  #changed = false;

  constructor(parts: CheckpointerParts) {
    this.#parts = parts;
    this.#dueMs = parts.clock.monotonicMs() + parts.intervalMs;
  }

  /** A commit is wanted although nothing may be pending: the copy waits for it. */
  get wantsCommit(): boolean {
    return this.#stage.is === 'complete';
  }

  /** The next step has something to do at once. */
  get busy(): boolean {
    return this.#stage.is === 'copying' && !this.#stage.copy.writing;
  }

  /** To be called between two batches, never while one is under way. */
  step(): void {
    const stage = this.#stage;
    if (stage.is === 'copying') return this.#slice(stage.copy);
    if (stage.is !== 'idle' || !this.#changed || this.#parts.clock.monotonicMs() < this.#dueMs) return;
    this.#stage = { is: 'beginning' };
    this.#changed = false;
    void this.#guard(this.#begin());
  }

  /** A commit begins that takes all changes with it. */
  commitBegins(changes: number): void {
    if (changes > 0) this.#changed = true;
    if (this.#stage.is === 'complete') this.#stage = { is: 'confirming', copy: this.#stage.copy };
  }

  /** The commit of the last `commitBegins` has succeeded. */
  commitEnded(): void {
    if (this.#stage.is !== 'confirming') return;
    const { copy } = this.#stage;
    this.#stage = { is: 'publishing' };
    void this.#guard(this.#publish(copy));
  }

  /** What is not published is forgotten. Waits for nothing: the disk may hang. */
  close(): void {
    const stage = this.#stage;
    this.#stage = { is: 'closed' };
    if ('copy' in stage) stage.copy.file.discard().catch(() => undefined);
  }

  async #guard(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#fail(error as Error);
    }
    this.#parts.wake();
  }

  #fail(error: Error): void {
    const stage = this.#stage;
    if (stage.is === 'closed') return;
    if ('copy' in stage) stage.copy.file.discard().catch(() => undefined);
    this.#rest();
    this.#changed = true;
    this.#parts.onFailed(error);
  }

  #rest(): void {
    const { clock, intervalMs } = this.#parts;
    this.#stage = { is: 'idle' };
    this.#dueMs = clock.monotonicMs() + intervalMs;
  }

  async #begin(): Promise<void> {
    const { clock, disk, header, state, changelogEnd } = this.#parts;
    const offset = await changelogEnd();
    const file = await disk.create(checkpointName(header.changelog, header.partition));
    // The time of the offset, not of the end: tombstones live from then on.
    const head = checkpointHead({ ...header, offset, savedAtMs: clock.nowMs() });
    if (this.#stage.is === 'closed') return file.discard();
    const copy: Copy = { file, entries: state.encoded()[Symbol.iterator](), beganMs: clock.monotonicMs(), part: new CheckpointPart(), count: 0, bytes: 0, writing: false };
    this.#stage = { is: 'copying', copy };
    await this.#write(copy, head);
  }

  async #write(copy: Copy, bytes: Buffer): Promise<void> {
    copy.writing = true;
    await copy.file.write(bytes);
    copy.bytes += bytes.length;
    copy.writing = false;
  }

  #slice(copy: Copy): void {
    if (copy.writing) return;
    const { clock } = this.#parts;
    const endMs = clock.monotonicMs() + SLICE_MS;
    while (copy.part.bytes < PART_BYTES) {
      for (let n = 0; n < ENTRIES_AT_ONCE; n++) {
        const { done, value } = copy.entries.next();
        if (done === true) return void this.#guard(this.#complete(copy));
        copy.part.add(changelogKey(value.store, value.key), value.value);
        copy.count++;
      }
      if (clock.monotonicMs() >= endMs) break;
    }
    if (copy.part.bytes < PART_BYTES) return;
    const { part } = copy;
    copy.part = new CheckpointPart();
    void this.#guard(this.#write(copy, part.encode()));
  }

  async #complete(copy: Copy): Promise<void> {
    const tail = checkpointTail(copy.count);
    await this.#write(copy, copy.part.bytes === 0 ? tail : Buffer.concat([copy.part.encode(), tail]));
    if (this.#stage.is === 'copying') this.#stage = { is: 'complete', copy };
  }

  async #publish(copy: Copy): Promise<void> {
    const { clock, onSaved } = this.#parts;
    await copy.file.publish();
    onSaved({ entries: copy.count, bytes: copy.bytes, seconds: (clock.monotonicMs() - copy.beganMs) / 1_000 });
    if (this.#stage.is !== 'closed') this.#rest();
  }
}
