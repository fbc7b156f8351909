/** What tuning asks of detection: signals that are switched off, and a look at every window. */
import { expect, test } from 'vitest';
import { createMemoryState } from '#lib/state/memory.ts';
import { detectConfigSchema } from './config.ts';
import type { WindowTrace } from './steps/findings.ts';
import { config, session } from './test-events.ts';
import { buildDetect } from './topology.ts';

const events = session({ userId: 'leg', minutes: 20, gapMs: 130, jitterMs: 4 });

function run(signalsOff: typeof config.signalsOff, trace?: (window: WindowTrace) => void) {
  const pipeline = buildDetect({ config: { ...config, signalsOff }, state: createMemoryState(), ...(trace !== undefined && { trace }) });
  return [...pipeline.process(events), ...pipeline.flush()];
}

test('a signal that is off holds no evidence', () => {
  const signals = (findings: ReturnType<typeof run>) => new Set(findings.flatMap(({ evidence }) => evidence.filter(({ strength }) => strength > 0).map(({ signal }) => signal)));
  expect(signals(run([]))).toContain('hiddenLeg');
  expect(signals(run(['hiddenLeg']))).not.toContain('hiddenLeg');
  expect(run(['hiddenLeg', 'onset', 'transportMarks'])).toEqual([]);
});

test('the trace tells of every window, and changes nothing', () => {
  const windows: WindowTrace[] = [];
  const traced = run([], (window) => windows.push(window));
  expect(traced).toEqual(run([]));
  // Twenty minutes of typing that begin within a window, not with it.
  expect(windows).toHaveLength(21);
  const opened = traced.find(({ status }) => status === 'OPENED')!;
  const then = windows.find(({ at }) => at === opened.detectedAt)!;
  expect(then.strength).toBeCloseTo(opened.evidenceStrength, 3);
  expect(then.severity).toBe(opened.severity);
  expect(windows.filter(({ at }) => at < then.at).every(({ severity }) => severity === null)).toBe(true);
});

test('only signals that exist can be switched off', () => {
  const { error } = detectConfigSchema.safeParse({ signalsOff: ['hiddenLegs'] });
  expect(error?.issues[0]?.path).toEqual(['signalsOff', 0]);
});
