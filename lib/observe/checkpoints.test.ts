/** A disk that takes no checkpoints is told of until it does, however far apart the attempts are. */
import { expect, test } from 'vitest';
import { observeCheckpoints } from './checkpoints.ts';
import { createLogger } from './logger.ts';
import { Metrics } from './metrics.ts';

test('a task counts as failing from a failed checkpoint until a saved one, or until it goes elsewhere', async () => {
  const metrics = new Metrics('detect', 'w1');
  const { checkpointed, checkpointFailed, stopped } = observeCheckpoints(metrics, createLogger({ level: 'fatal', service: 'detect', worker: 'w1' }));
  const failing = async (): Promise<number> => Number(/^farhand_checkpoints_failing\{[^}]*\} (\d+)$/m.exec(await metrics.text())?.[1]);
  expect(await failing()).toBe(0);
  checkpointFailed(1, new Error('ENOSPC'));
  checkpointFailed(2, new Error('ENOSPC'));
  checkpointFailed(2, new Error('ENOSPC'));
  expect(await failing()).toBe(2);
  checkpointed(1, { entries: 1, bytes: 1, seconds: 1 });
  expect(await failing()).toBe(1);
  stopped(2);
  expect(await failing()).toBe(0);
});
