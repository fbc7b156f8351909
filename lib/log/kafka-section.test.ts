import { expect, test } from 'vitest';
import { kafkaSectionSchema } from '#lib/kernel/config-sections.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { kafkaOptionsOf } from './kafka-section.ts';

test('batches are packed with zstd where nothing else is said', () => {
  const compressionOf = (section: object): string => kafkaOptionsOf(kafkaSectionSchema.parse(section), systemClock).compression;
  expect([compressionOf({}), compressionOf({ compression: 'none' })]).toEqual(['zstd', 'none']);
  expect(() => compressionOf({ compression: 'lz4' })).toThrow(/zstd.*none/s);
});
