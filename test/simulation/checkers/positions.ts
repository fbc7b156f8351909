/**
 * Committed positions: every transaction of a task begins where the one before ended, none goes back, and the last ones
 * lie behind everything that can be read. Where a stage gives one record for one (enrich), each transaction holds as
 * many outputs as it has moved its position past inputs.
 */
import type { Broker } from '../broker/broker.ts';
import type { Transaction } from '../broker/partition.ts';
import { groupOf, READS, SERVICES } from '../services.ts';
import { PARTITIONS, TOPICS } from '../topics.ts';

export function checkPositions(broker: Broker): string[] {
  const problems: string[] = [];
  const last = new Map<string, number>();
  for (const event of broker.audit) {
    if (event.kind !== 'commit') continue;
    const { transaction } = event;
    const seen = new Set<string>();
    for (const { group, topic, partition, offset } of transaction.positions) {
      const name = `${group} ${topic}/${partition}`;
      if (seen.has(name)) problems.push(`positions: ${name} twice in one transaction of ${event.id}`);
      seen.add(name);
      const before = last.get(name) ?? 0;
      if (offset < before) problems.push(`positions: ${name} goes back from ${before} to ${offset}`);
      if (group === groupOf('enrich')) problems.push(...oneForOne(broker, transaction, topic, partition, before, offset));
      last.set(name, offset);
    }
  }
  for (const service of SERVICES) {
    for (const topic of READS[service]) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const name = `${groupOf(service)} ${topic}/${partition}`;
        const at = last.get(name) ?? 0;
        if (broker.read(topic, partition, at, 1).records.length > 0) problems.push(`positions: ${name} ends at ${at}, and records follow`);
        if (at > broker.partition(topic, partition).end) problems.push(`positions: ${name} ends at ${at}, beyond the end`);
      }
    }
  }
  return problems;
}

function oneForOne(broker: Broker, transaction: Transaction, topic: string, partition: number, from: number, to: number): string[] {
  const inputs = broker.partition(topic, partition).read(from, Infinity, true).records.filter((record) => record.offset < to).length;
  let outputs = 0;
  for (const written of transaction.partitions) {
    if (written.topic === TOPICS.enriched) outputs += written.entries.filter((entry) => entry.transaction === transaction && entry.record !== null).length;
  }
  if (inputs === outputs) return [];
  return [`positions: ${transaction.id} moves ${topic}/${partition} from ${from} to ${to} past ${inputs} records with ${outputs} outputs`];
}
