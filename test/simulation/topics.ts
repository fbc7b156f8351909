/** The topics of the simulated deployment, under their default names and with the settings that matter. */
import { topicsSectionSchema } from '#lib/kernel/config-sections.ts';
import type { TopicSpec } from '#lib/log/log.ts';
import { topicLayouts } from '../../tools/topics/layout.ts';

export const PARTITIONS = 3;
export const TOPICS = topicsSectionSchema.parse({ partitions: PARTITIONS });

export function topicSpecs(): TopicSpec[] {
  return topicLayouts(TOPICS).map(({ name, partitions, required }) => ({ name, partitions, settings: required }));
}
