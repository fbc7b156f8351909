import { expect, it } from 'vitest';
import { OutputBuffer } from './output-buffer.ts';

const NOW = Date.UTC(2026, 2, 2, 9);
const HOUR_MS = 3_600_000;
const newBuffer = () => new OutputBuffer({ events: 'farhand.events.v1' }, () => NOW);

it('keeps the time of a record, but for one that is unknown or that a broker would refuse', () => {
  const buffer = newBuffer();
  const times = [1, NOW - 1e11, NOW, NOW + 300_000, NOW + HOUR_MS, 8.64e15, 0, -1, NaN];
  for (const time of times) buffer.emit('events', null, new Uint8Array(1), time);
  expect(buffer.take().map(({ timestampMs }) => timestampMs)).toEqual([1, NOW - 1e11, NOW, NOW + 300_000, NOW, NOW, NOW, NOW, NOW]);
});

it('takes a failed attempt back, bytes included, and knows the topic of each output', () => {
  const buffer = newBuffer();
  buffer.emit('events', Buffer.from('key'), new Uint8Array(100), NOW);
  const [length, bytes] = [buffer.length, buffer.bytes];
  buffer.emit('events', Buffer.from('other'), new Uint8Array(1_000), NOW);
  expect(buffer.bytes).toBeGreaterThan(bytes + 1_000);
  buffer.truncate(length);
  expect([buffer.length, buffer.bytes]).toEqual([1, bytes]);
  expect(() => buffer.emit('nowhere', null, new Uint8Array(1), NOW)).toThrow(/the output nowhere has no topic/);
  expect(buffer.take().map(({ topic }) => topic)).toEqual(['farhand.events.v1']);
  expect([buffer.length, buffer.bytes]).toEqual([0, 0]);
});
