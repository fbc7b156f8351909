/** What the exchange has told about a person, as far as it is about where and how they are now. */
import type { EgressFigures } from '../fleet/egress.ts';
import type { RhythmFigures } from '../fleet/rhythm.ts';
import type { ShipToFigures } from '../fleet/ship-to.ts';

export interface Told<T> {
  figures: T;
  /** Of the subject; the hours up to `until` are in it, epoch ms. */
  subject: string;
  until: number;
}

/** People of a typical day from which an address is more than a home, and minutes together by chance from which it is known what day they keep. */
const COLLEAGUES_MIN = 4;
const COLLEAGUES_EXPECTED_MIN = 8;

/** Whether the people behind an address keep one working day, each with hands of their own: a few hands in turn meet less often than chance has it. */
export const areColleagues = ({ people, together, expected }: EgressFigures): boolean => people >= COLLEAGUES_MIN && expected >= COLLEAGUES_EXPECTED_MIN && together >= expected;

/** Share of the people whose devices went to as many places, from which they were sent apart. */
const SENT_APART_SHARE = 0.75;

/** Whoever is declared elsewhere and had the device sent elsewhere, too, may well be there: an exit is shared. The laptops of a farm were sent to it. */
export const wereSentApart = ({ users, shipTos }: EgressFigures): boolean => shipTos >= SENT_APART_SHARE * users;

export interface FleetView {
  /** The network that the session comes from. */
  egress: Told<EgressFigures> | null;
  /** The place that the person's workstation was sent to. */
  shipTo: Told<ShipToFigures> | null;
  /** The bucket of rhythms in which somebody is nearest. */
  rhythm: Told<RhythmFigures> | null;
}
