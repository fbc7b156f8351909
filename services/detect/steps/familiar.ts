/** What a person has been seen with: countries, networks, fingerprints, and when each came up. */
import { DAY_MS } from '../fleet/minutes.ts';
import { FAMILIAR_KINDS, traitOf, type Familiar } from '../model/novelty.ts';
import { isTrustedEgress, type Sighting } from '../model/sighting.ts';
import type { Person } from './person.ts';

const FAMILIAR_MAX = 24;

/** Remembers the traits of a sighting; the organisation's own networks are nobody's. */
export function rememberTraits(person: Person, sighting: Sighting): void {
  const { at } = sighting;
  const day = Math.floor(at / DAY_MS);
  if (day > person.lastSeenDay) {
    person.seenDays++;
    person.lastSeenDay = day;
  }
  if (isTrustedEgress(sighting.policy)) return;
  const { familiar } = person;
  for (const kind of FAMILIAR_KINDS) {
    const value = traitOf(sighting, kind);
    if (value === null) continue;
    const known = entryOf(familiar, kind, value);
    if (known !== undefined) {
      known.lastAt = Math.max(known.lastAt, at);
      continue;
    }
    familiar.push({ kind, value, firstAt: at, lastAt: at, daysBefore: person.seenDays - 1 });
    if (familiar.length <= FAMILIAR_MAX) continue;
    let oldest = 0;
    for (let i = 1; i < familiar.length; i++) if (familiar[i]!.lastAt < familiar[oldest]!.lastAt) oldest = i;
    familiar.splice(oldest, 1);
  }
}

function entryOf(familiar: readonly Familiar[], kind: Familiar['kind'], value: string): Familiar | undefined {
  for (let i = 0; i < familiar.length; i++) if (familiar[i]!.kind === kind && familiar[i]!.value === value) return familiar[i];
  return undefined;
}
