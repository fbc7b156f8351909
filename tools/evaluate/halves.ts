/**
 * Both halves of everybody's sentences as rhythms, for the nulls of the rhythm signals. `node tools/evaluate/halves.ts` prints the tail of
 * the distances between the halves of one person: the tables of services/detect/model/operator-change.ts.
 */
import { fileURLToPath } from 'node:url';
import type { KeystrokeLatency } from '#schemas/records.ts';
import { handsFeatures, intervalFeatures } from '../../services/detect/model/hands.ts';
import { rhythmDistance } from '../../services/detect/model/rhythm-distance.ts';
import { addKeystrokes, newRhythm, type Rhythm } from '../../services/detect/model/rhythm.ts';
import { readTyping, type TypingPerson } from '../simulate/measured.ts';

const SENTENCES_MIN = 10;
/** People at whom the tail is told: round shares, then the furthest three. */
const ranksOf = (people: number): number[] => [...[0.1, 0.05, 0.02, 0.01, 0.005].map((share) => Math.ceil(share * people)), 3, 2, 1];

export interface Halves {
  id: string;
  halves: [Rhythm, Rhythm];
}

function rhythmOf(sentences: TypingPerson['sentences']): Rhythm {
  const rhythm = newRhythm();
  for (const { press, release } of sentences) {
    const interKeyMs = press.slice(1).map((at, i) => at - press[i]!);
    const holdMs = press.map((at, i) => release[i]! - at);
    addKeystrokes(rhythm, { registrationLatencyMs: [] as number[], interKeyMs, holdMs } as KeystrokeLatency);
  }
  return rhythm;
}

export function halvesOf(dir?: string): Halves[] {
  const people = readTyping(dir).filter(({ sentences }) => sentences.length >= SENTENCES_MIN);
  return people.map(({ id, sentences }) => {
    const middle = Math.ceil(sentences.length / 2);
    return { id, halves: [rhythmOf(sentences.slice(0, middle)), rhythmOf(sentences.slice(middle))] };
  });
}

/** Distance of two rhythms, by everything that is known of them or by the intervals alone. */
export function distanceOf(a: Rhythm, b: Rhythm, withHolds: boolean): ReturnType<typeof rhythmDistance> {
  const [x, y] = [a, b].map(({ counts }) => (withHolds ? handsFeatures(counts) : null) ?? intervalFeatures(counts));
  return rhythmDistance(x!, y!);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const people = halvesOf();
  for (const withHolds of [true, false]) {
    const distances = people.map(({ halves: [a, b] }) => distanceOf(a, b, withHolds).distance).sort((a, b) => b - a);
    const tail = ranksOf(distances.length).map((rank) => `[${distances[rank - 1]!.toFixed(2)}, ${(rank / distances.length).toFixed(4)}]`);
    console.log(`${withHolds ? 'with holds' : 'intervals only'}, ${distances.length} people: ${tail.join(', ')}`);
  }
}
