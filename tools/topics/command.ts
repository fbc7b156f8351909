/** `farhand topics`: creates the topics that are missing and checks those that are there. */
import { systemClock } from '#lib/kernel/clock.ts';
import { sharedSections } from '#lib/kernel/config-sections.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { kafkaOptionsOf } from '#lib/log/kafka-section.ts';
import { openKafkaLog } from '#lib/log/kafka.ts';
import { REDIS_RISK_RIGHTS, redisAclLine } from '#lib/reference/redis-acl.ts';
import { siemOutputsOf, siemSectionSchema } from '#lib/siem/config.ts';
import { parseOptions, usageError, type Command } from '../command.ts';
import { ACL_FORMATS, aclText, rolesOf, type AclFormat } from './acls.ts';
import { checkTopics, createMissing, differenceTable, table } from './check.ts';
import { topicLayouts } from './layout.ts';
import { parseRetention, retentionRows, setRetention } from './retention.ts';

const HELP = `Usage: farhand topics [--check] [--config FILE]
       farhand topics --acls [--format FORMAT] [--principal TEXT] [--config FILE]
       farhand topics --retention [--set-retention STREAM=TIME]... [--config FILE]

Creates the topics that are missing, with their partitions, compaction and kind of timestamps, and checks those that
are there. A topic that exists is never changed: what differs is printed as a table.

  --check           create nothing
  --config FILE     settings (sections kafka, topics and siem; see: farhand config --reference)
  --acls            print the least rights (ACLs) that each role needs, and ask no broker
  --format FORMAT   of --acls: table (default), kafka-acls (commands), strimzi (KafkaUser resources) or json
  --principal TEXT  of --acls: {role} stands for the role's name (default: User:farhand-{role})

  --retention       print what each topic holds of people, and for how long and how much of it
  --set-retention STREAM=TIME
                    before that, set how long a stream is kept: events=30d, deadLetter=2w, siemFindings=unlimited. Records
                    carry event times: a history that is replayed into a topic may be older than its retention

Exit status: 0 all topics are as they should be, 1 some are not or no broker answers, 2 usage or configuration.`;

const definition = defineConfig({ kafka: sharedSections.kafka, redis: sharedSections.redis, topics: sharedSections.topics, siem: siemSectionSchema });

const OPTIONS = {
  check: { type: 'boolean' },
  config: { type: 'string' },
  acls: { type: 'boolean' },
  format: { type: 'string' },
  principal: { type: 'string' },
  retention: { type: 'boolean' },
  'set-retention': { type: 'string', multiple: true },
} as const;

function formatOf(text: string | undefined): AclFormat {
  const format = ACL_FORMATS.find((known) => known === (text ?? 'table'));
  if (format === undefined) throw usageError('topics', `--format is '${text}': allowed is ${ACL_FORMATS.join(', ')}`);
  return format;
}

async function run(args: string[]): Promise<number> {
  const { values } = parseOptions('topics', args, OPTIONS);
  const { kafka, redis, topics, siem } = definition.load({ file: values.config ?? null });
  const siemTopics = siemOutputsOf(siem, topics).map(({ topic }) => topic);
  const layouts = topicLayouts(topics, siemTopics);
  if (values.acls === true) {
    const format = formatOf(values.format);
    console.log(aclText(rolesOf(topics, kafka.groupIdPrefix, siemTopics, layouts), format, values.principal ?? 'User:farhand-{role}'));
    if (format === 'table') console.log(`\nRedis, for enrich (a line of its ACL file)\n  ${redisAclLine(redis.username ?? 'farhand', redis.keyPrefix)}\nRedis, for risk\n  ${redisAclLine(`${redis.username ?? 'farhand'}-risk`, redis.keyPrefix, REDIS_RISK_RIGHTS)}`);
    return 0;
  }
  for (const name of ['format', 'principal'] as const) if (values[name] !== undefined) throw usageError('topics', `--${name} belongs to --acls`);
  const changes = values['set-retention'] ?? [];
  changes.forEach(parseRetention); // before anything is changed
  const log = await openKafkaLog(kafkaOptionsOf(kafka, systemClock));
  try {
    if (values.retention === true || changes.length > 0) {
      for (const line of await setRetention(log.admin, topics, changes)) console.log(`set ${line}`);
      console.log(table([['topic', 'holds', 'for', 'at most'], ...(await retentionRows(log.admin, topics))]));
      return 0;
    }
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
