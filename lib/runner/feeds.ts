/** The merged inputs of a task. */
import type { Position, Reader } from '#lib/log/log.ts';
import { MergedFeeds } from '#lib/log/merge.ts';
import type { RunnerParts } from './options.ts';

export function openFeeds({ service, bounds }: Pick<RunnerParts, 'service' | 'bounds'>, reader: Reader, positions: readonly Position[]): MergedFeeds {
  const controls = service.controls ?? [];
  const feeds = positions.map((position) => reader.open(position, { awaited: !controls.includes(position.topic) }));
  return new MergedFeeds(feeds, bounds.idleInputMsMax, controls);
}
