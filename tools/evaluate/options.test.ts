import { expect, it } from 'vitest';
import { casesOf, readSettings } from './options.ts';

it('refuses what the simulator knows nothing of, instead of leaving it out in silence', () => {
  expect(() => readSettings(['--source', 'simulated', '--uncoupled'])).toThrow('--uncoupled says nothing with --source simulated');
  expect(() => readSettings(['--source', 'simulated', '--part', 'dev'])).toThrow('--part');
  expect(readSettings(['--source', 'simulated', '--honest', '30', '--days', '2', '--seed', '5'])).toMatchObject({ simulated: true });
});

it('spreads the people over the shards, each of which knows its number', () => {
  const { values } = readSettings(['--source', 'simulated', '--honest', '7']);
  const cases = casesOf({ ...values, shards: '3', kinds: 'office,proxy-80' });
  expect(cases.map(({ shard, shards }) => [shard, shards])).toEqual([[0, 3], [1, 3], [2, 3]]);
  expect(cases[0]).toMatchObject({ pilotedKinds: ['proxy-80'], honest: { office: 7, plain: 247 } });
});
