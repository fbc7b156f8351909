/** `farhand topics`: creates the topics that are missing and checks those that are there. */
import { systemClock } from '#lib/kernel/clock.ts';
import { sharedSections } from '#lib/kernel/config-sections.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { kafkaOptionsOf } from '#lib/log/kafka-section.ts';
import { openKafkaLog } from '#lib/log/kafka.ts';
import { siemOutputsOf, siemSectionSchema } from '#lib/siem/config.ts';
import { parseOptions, type Command } from '../command.ts';
import { checkTopics, createMissing, differenceTable } from './check.ts';
import { topicLayouts } from './layout.ts';

const HELP = `Usage: farhand topics [--check] [--config FILE]

Creates the topics that are missing, with their partitions, compaction and kind of timestamps, and checks those that
are there. A topic that exists is never changed: what differs is printed as a table.

  --check        create nothing
  --config FILE  settings (sections kafka, topics and siem; see: farhand config --reference)

Exit status: 0 all topics are as they should be, 1 some are not or no broker answers, 2 usage or configuration.`;

const definition = defineConfig({ kafka: sharedSections.kafka, topics: sharedSections.topics, siem: siemSectionSchema });

async function run(args: string[]): Promise<number> {
  const { values } = parseOptions('topics', args, { check: { type: 'boolean' }, config: { type: 'string' } });
  const { kafka, topics, siem } = definition.load({ file: values.config ?? null });
  const layouts = topicLayouts(topics, siemOutputsOf(siem, topics).map(({ topic }) => topic));
  const log = await openKafkaLog(kafkaOptionsOf(kafka, systemClock));
  try {
    if (values.check !== true) {
      const created = await createMissing(log.admin, layouts, topics.replicationFactor);
      for (const name of created) console.log(`created ${name}`);
    }
    const differences = await checkTopics(log.admin, layouts);
    if (differences.length === 0) {
      console.log(`${layouts.length} topics are as they should be`);
      return 0;
    }
    console.log(differenceTable(differences));
    const topicsWrong = new Set(differences.map((d) => d.topic)).size;
    console.error(`farhand: ${topicsWrong} of ${layouts.length} topics are not as they should be`);
    return 1;
  } finally {
    await log.close();
  }
}

export const command: Command = { name: 'topics', summary: 'creates and checks the topics', help: HELP, run };
