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

export interface FleetView {
  /** The network that the session comes from. */
  egress: Told<EgressFigures> | null;
  /** The place that the person's workstation was sent to. */
  shipTo: Told<ShipToFigures> | null;
  /** The bucket of rhythms in which somebody is nearest. */
  rhythm: Told<RhythmFigures> | null;
}
