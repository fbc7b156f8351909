/** The topics that Farhand lives on: what correctness needs of each, and what else they are created with. */
import type { TopicsSection } from '#lib/kernel/config-sections.ts';

export interface TopicLayout {
  readonly name: string;
  readonly partitions: number;
  /** Must hold; checked. */
  readonly required: Readonly<Record<string, string>>;
  /** Given at creation, the operator's to change. */
  readonly initial: Readonly<Record<string, string>>;
}

const GIBIBYTE = 1024 ** 3;
const DAY_MS = 86_400_000;
/**
 * By size only: these records carry event times, and retention by time would delete a replayed history as it arrives.
 * Per partition.
 */
const RETENTION = { 'retention.ms': '-1', 'retention.bytes': String(2 * GIBIBYTE) };
/**
 * Above what a broker lets into telemetry by default (1 MiB): a dead letter holds a whole record in a frame and has its
 * key once more, enriched events carry facts about each of their addresses. One that is refused stops its task.
 */
const LARGER_BYTES = { 'max.message.bytes': String(2 * 1024 * 1024) };
/** What was deleted or replaced is off the disk within a week, however quiet the topic: an erased person's state too. */
const FORGETTING = { 'max.compaction.lag.ms': String(7 * DAY_MS) };
/** Small segments, so that compaction, which leaves the open one alone, keeps restores short. */
const CHANGELOG = { 'segment.bytes': String(64 * 1024 * 1024), 'min.cleanable.dirty.ratio': '0.3', ...FORGETTING };

/**
 * Others write these, in whatever compression their client prefers; ours reads zstd, gzip and none. The broker turns
 * what came as lz4 or snappy into this.
 */
const READABLE = { 'compression.type': 'zstd' };

const arrival = { 'cleanup.policy': 'delete', 'message.timestamp.type': 'LogAppendTime', ...READABLE };
const eventTime = { 'cleanup.policy': 'delete', 'message.timestamp.type': 'CreateTime' };
/** Keyed by findingId: whether a SIEM's topic is compacted as well is the operator's choice. */
const CREATE_TIME = { 'message.timestamp.type': 'CreateTime' };
const compacted = { 'cleanup.policy': 'compact', 'message.timestamp.type': 'CreateTime' };
/** Tombstones outlive the oldest checkpoint that is used (state.checkpointAgeMsMax). */
const changelog = { ...compacted, 'delete.retention.ms': String(24 * 3_600_000) };
const reference = { ...compacted, ...READABLE };

/** Of use until the other side has read it; by size only, as above. */
const SHORT_LIVED = { 'retention.ms': '-1', 'retention.bytes': String(GIBIBYTE / 4) };

/** `siemTopics`: those of the outputs for the SIEM, which take the place of topics.siemFindings. */
export function topicLayouts(topics: TopicsSection, siemTopics: readonly string[] = [topics.siemFindings]): TopicLayout[] {
  const { partitions, referencePartitions } = topics;
  const of = (name: string, count: number, required: TopicLayout['required'], initial: TopicLayout['initial'] = {}): TopicLayout => ({
    name,
    partitions: count,
    required,
    initial,
  });
  return [
    of(topics.keystrokeLatency, partitions, arrival),
    of(topics.connection, partitions, arrival),
    of(topics.events, partitions, eventTime, RETENTION),
    of(topics.enriched, partitions, { ...eventTime, ...LARGER_BYTES }, RETENTION),
    of(topics.suspiciousSessions, partitions, eventTime, RETENTION),
    ...siemTopics.map((name) => of(name, partitions, CREATE_TIME, { 'cleanup.policy': 'delete', ...RETENTION })),
    of(topics.deadLetter, partitions, { ...eventTime, ...LARGER_BYTES }, RETENTION),
    of(topics.devices, referencePartitions, reference, FORGETTING),
    of(topics.vantages, referencePartitions, reference),
    of(topics.networks, referencePartitions, reference),
    of(topics.feedback, referencePartitions, reference, FORGETTING),
    of(topics.erasures, partitions, eventTime, { 'retention.ms': String(30 * DAY_MS) }),
    of(topics.erasureReceipts, partitions, eventTime, RETENTION),
    of(topics.fleetReports, partitions, eventTime, SHORT_LIVED),
    of(topics.fleetFacts, partitions, eventTime, SHORT_LIVED),
    of(topics.fleetChangelog, partitions, changelog, CHANGELOG),
    of(topics.ingestProgress, partitions, eventTime, SHORT_LIVED),
    of(topics.ingestChangelog, partitions, changelog, CHANGELOG),
    of(topics.detectChangelog, partitions, changelog, CHANGELOG),
    of(topics.chainedChangelog, partitions, changelog, CHANGELOG),
  ];
}
