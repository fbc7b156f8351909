/** A worker whose step never comes to an end: the defect that /healthz and FarhandTasksStuck are for. Only for `npm run faults`. */
import { sharedSections } from '#lib/kernel/config-sections.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { kafkaOptionsOf } from '#lib/log/kafka-section.ts';
import { openKafkaLog } from '#lib/log/kafka.ts';
import { Host } from '#lib/runner/host.ts';

const { kafka, topics, observe } = sharedSections;
const config = defineConfig({ kafka, topics, observe }).load({});
const host = new Host('stuck', config);
process.exitCode = await host.run(async () => {
  const log = await openKafkaLog(kafkaOptionsOf(config.kafka, host.clock, host.kafkaHooks));
  host.add({ name: 'log', close: () => log.close() });
  return { log, service: { inputs: [config.topics.events], outputs: {}, changelog: null, createTask: () => ({ process: () => new Promise<void>(() => undefined), flush: () => undefined }) } };
});
