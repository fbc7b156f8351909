/** No output of a fenced task is visible: what is committed was decided while its producer was the newest of its task. */
import type { Broker } from '../broker/broker.ts';
import type { Transaction } from '../broker/partition.ts';
import { groupOf, SERVICES } from '../services.ts';
import { PARTITIONS } from '../topics.ts';

export function checkFencing(broker: Broker): string[] {
  const problems: string[] = [];
  const newest = new Map<string, number>();
  const committed = new Set<Transaction>();
  const ids = new Set(SERVICES.flatMap((service) => Array.from({ length: PARTITIONS }, (_, task) => `${groupOf(service)}-${task}`)));
  for (const event of broker.audit) {
    const { kind, id, epoch } = event;
    if (!ids.has(id)) problems.push(`fencing: ${id} is not the transactional id of a task`);
    if (kind === 'init') newest.set(id, epoch);
    if (kind !== 'commit') continue;
    if (newest.get(id) !== epoch) problems.push(`fencing: ${id} committed with epoch ${epoch}, ${newest.get(id)} is the newest`);
    committed.add(event.transaction);
  }
  for (const topic of broker.topicNames) {
    for (const partition of broker.partitions(topic)) {
      const epochs = new Map<string, number>();
      for (const { record, transaction } of partition.entries) {
        if (record === null || transaction === null || transaction.state !== 'committed') continue;
        const where = `${topic}/${partition.number}@${record.offset}`;
        if (!committed.has(transaction)) problems.push(`fencing: ${where} is visible, but nobody committed it`);
        if (transaction.epoch < (epochs.get(transaction.id) ?? 0)) problems.push(`fencing: ${where} is of an older producer than the record before`);
        epochs.set(transaction.id, transaction.epoch);
      }
    }
  }
  return problems;
}
