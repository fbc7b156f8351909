/**
 * The part of a tuning run that all configurations share: the history is decoded and enriched once, into a stream on
 * disk, and what does not depend on detection is gathered on the way.
 */
import { rmSync } from 'node:fs';
import type { Clock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { DeadLetter, Feedback } from '#schemas/records.ts';
import { createEmbeddedPipeline, type EmbeddedConfig } from '../embedded/pipeline.ts';
import { Progress, type ProgressOptions } from '../embedded/progress.ts';
import { EnrichedLaneWriter } from '../replay/enriched/writer.ts';
import { noteActivity, type Activity } from '../replay/evaluation.ts';
import { HistoryFeed, decodedBefore } from '../replay/history-feed.ts';
import type { History } from '../replay/history.ts';
import { sessionKey } from '../replay/labels.ts';

/** Verdicts of analysts that are kept, to be used as labels. */
const FEEDBACK_MAX = 1_000_000;

export interface PrepareOptions {
  /** From its beginning. */
  readonly history: History;
  readonly config: EmbeddedConfig;
  /** Where the enriched stream is written. */
  readonly stream: string;
  /** True where verdicts serve as labels: then they must not act on detection as well. */
  readonly withoutFeedback: boolean;
  readonly clock: Clock;
  readonly progress: ProgressOptions['stream'];
  readonly showProgress: boolean;
  readonly signal: AbortSignal;
  readonly onDeadLetters?: (letters: readonly DeadLetter[]) => void;
}

export interface Prepared {
  readonly stream: string;
  /** Valid, without repeats. */
  readonly events: number;
  readonly rejected: number;
  readonly duplicates: number;
  /** Of every session, by session key. */
  readonly activity: ReadonlyMap<string, Activity>;
  readonly feedback: readonly Feedback[];
}

export async function prepareHistory(options: PrepareOptions): Promise<Prepared> {
  const { config, signal, clock, history } = options;
  const progress = new Progress({ clock, stream: options.progress, label: 'enrich', shown: options.showProgress });
  const writer = new EnrichedLaneWriter(options.stream, 0, Number.NEGATIVE_INFINITY);
  let whole = false;
  const activity = new Map<string, Activity>();
  const feedback: Feedback[] = [];
  const refused: { feed: HistoryFeed | null } = { feed: null };
  const onDeadLetters = options.onDeadLetters ?? (() => undefined);
  try {
    const pipeline = await createEmbeddedPipeline({
      config,
      decoder: decodedBefore,
      detection: false,
      onEnriched: (events) => {
        for (const { event } of events) noteActivity(activityOf(activity, sessionKey(event)), event.observedAt);
        writer.write(options.withoutFeedback ? events.map((event) => (event.context.feedback === null ? event : { ...event, context: { ...event.context, feedback: null } })) : events);
      },
      onDeadLetters,
      onRefused: (record, detail) => refused.feed?.refused(record, detail),
    });
    const applyReference: typeof pipeline.applyReference = (given) => {
      for (const record of given) if (record.type === 'Feedback') keep(feedback, record);
      pipeline.applyReference(given);
    };
    const feed = (refused.feed = new HistoryFeed({ ...pipeline, applyReference }, config.ingest.recordBytesMax, onDeadLetters));
    let records = 0;
    for await (const batch of history.batches(signal)) {
      await feed.push(batch);
      records += batch.length;
      progress.update(history.share, records);
    }
    writer.sync();
    whole = true;
    const { events, rejected, duplicates } = pipeline.counts();
    return { stream: options.stream, events, rejected: rejected + feed.rejectedReferences, duplicates, activity, feedback };
  } finally {
    progress.end();
    writer.close();
    if (!whole) rmSync(options.stream, { force: true });
  }
}

function activityOf(activity: Map<string, Activity>, key: string): Activity {
  let known = activity.get(key);
  if (known === undefined) activity.set(key, (known = { firstEventAt: Number.NaN, days: [] }));
  return known;
}

function keep(feedback: Feedback[], verdict: Feedback): void {
  if (feedback.length >= FEEDBACK_MAX) throw new FarhandError('FARHAND_USAGE', `the history holds more than ${FEEDBACK_MAX} verdicts of analysts`);
  feedback.push(verdict);
}
