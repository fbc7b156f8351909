/** Records for the next commit (TaskWriter.add), of logs that take them as they are. */
import type { OutgoingRecord } from './log.ts';

export class Gathered {
  #records: OutgoingRecord[] = [];

  readonly add = (records: readonly OutgoingRecord[]): void => {
    for (const record of records) this.#records.push(record);
  };

  /** All that was added, and what the commit names itself; the next commit begins with nothing. */
  take(records: readonly OutgoingRecord[]): OutgoingRecord[] {
    const taken = this.#records;
    this.#records = [];
    for (const record of records) taken.push(record);
    return taken;
  }
}
