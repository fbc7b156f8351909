import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { heapOptions } from './heap.ts';

const GIB = 1024 ** 3;

test('several processes share the memory, three eighths of a large part are heap, half of a small one; what the operator has said stays', () => {
  expect(heapOptions(2, ['--import=x'], 24 * GIB)).toEqual(['--max-old-space-size=4608']);
  expect(heapOptions(2, [], 4 * GIB)).toEqual(['--max-old-space-size=1024']);
  expect(heapOptions(2, [], 2 * GIB)).toEqual(['--max-old-space-size=512']);
  expect(heapOptions(2, ['--max-old-space-size=900'], 24 * GIB)).toEqual([]);
  expect(heapOptions(2, ['', '--import=x --max_old_space_size=900'], 24 * GIB)).toEqual([]);
});

/** A ring of 100 MB of buffers, turned over six times: how many full collections that takes. */
async function collections(heapBytesMax: number): Promise<number> {
  const script = `
    import { PerformanceObserver, constants } from 'node:perf_hooks';
    import { countBuffersAsHeap } from ${JSON.stringify(new URL('heap.ts', import.meta.url).href)};
    countBuffersAsHeap(${heapBytesMax});
    let full = 0;
    new PerformanceObserver((list) => {
      for (const { detail } of list.getEntries()) if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) full++;
    }).observe({ entryTypes: ['gc'] });
    const ring = [];
    for (let i = 0; i < 4_800; i++) {
      ring[i % 800] = Buffer.allocUnsafeSlow(128 * 1024);
      if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    console.log(full);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--max-semi-space-size=1', '--input-type=module-typescript', '--eval', script]);
  return Number(stdout);
}

test('a process with room collects its whole heap for all that it has allocated, not for every 64 MB of buffers', async () => {
  const [small, large] = [await collections(512 * 1024 ** 2), await collections(4 * GIB)];
  expect(small).toBeGreaterThanOrEqual(4);
  expect(large).toBeLessThan(small / 2);
});
