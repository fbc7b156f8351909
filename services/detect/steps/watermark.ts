/**
 * Watermark of a task: the event time that three of its devices have passed, so that one wrong or hostile clock moves
 * nothing. Keeps the three devices that are furthest; per-device maxima only grow, so that is exact.
 */
import type { StateCodec } from '#lib/state/state.ts';

const DEVICES = 3;

export interface Watermark {
  /** Furthest devices, furthest first. */
  furthest: { device: string; at: number }[];
}

export const newWatermark = (): Watermark => ({ furthest: [] });

export const watermarkOf = (watermark: Watermark): number => (watermark.furthest.length < DEVICES ? -Infinity : watermark.furthest[DEVICES - 1]!.at);

/** Whether an event of this time can move anything. */
export function isFurther({ furthest }: Watermark, at: number): boolean {
  const last = furthest[DEVICES - 1];
  return last === undefined || at > last.at;
}

/** True where the watermark moved. */
export function advanceWatermark(watermark: Watermark, device: string, at: number): boolean {
  if (!isFurther(watermark, at)) return false;
  const { furthest } = watermark;
  const before = watermarkOf(watermark);
  let place = 0;
  while (place < furthest.length && furthest[place]!.device !== device) place++;
  if (place === furthest.length) {
    place = Math.min(furthest.length, DEVICES - 1);
    if (place === furthest.length) furthest.push({ device, at });
  } else if (at <= furthest[place]!.at) return false;
  const entry = furthest[place]!;
  entry.device = device;
  entry.at = at;
  for (; place > 0 && isBehind(furthest[place - 1]!, entry); place--) furthest[place] = furthest[place - 1]!;
  furthest[place] = entry;
  return watermarkOf(watermark) !== before;
}

type Furthest = Watermark['furthest'][number];

const isBehind = (a: Furthest, b: Furthest): boolean => a.at < b.at || (a.at === b.at && a.device > b.device);

/** Takes the name of a device out and keeps its time; true where it was there. */
export function forgetDevice({ furthest }: Watermark, device: string): boolean {
  const known = furthest.find((entry) => entry.device === device);
  if (known !== undefined) known.device = `erased-${known.at}`;
  return known !== undefined;
}

export const watermarkCodec: StateCodec<Watermark> = {
  encode: (watermark) => Buffer.from(JSON.stringify(watermark)),
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString('utf8')) as Watermark,
};
