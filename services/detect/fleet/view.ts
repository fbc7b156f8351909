/** From the facts that a person has taken up to what the signals see. */
import { greatCircleKm } from '#lib/kernel/geodesy.ts';
import type { DeviceAssignment, FleetFact } from '#schemas/records.ts';
import type { FleetView, Told } from '../model/fleet-view.ts';
import type { Person, SessionState } from '../steps/person.ts';
import { readEgress } from './egress.ts';
import { isLargerBucket, newRhythmFigures, readRhythm } from './rhythm.ts';
import { readShipTo } from './ship-to.ts';
import { egressSubjects } from './subjects.ts';

const toldBy = <T>(fact: FleetFact, figures: T): Told<T> => ({ figures, subject: fact.subject, until: fact.windowEnd });

/** First letters of the kinds that are told to a person; no two have the same. */
const RHYTHM = 'RHYTHM'.charCodeAt(0);
const SHIP_TO = 'SHIP_TO'.charCodeAt(0);

/** Filled again for every window that asks, as the view of the session is. */
const seenRhythm = newRhythmFigures();

/** Null where nothing was told; of use until somebody asks for another session's. */
export function fleetView({ fleet, tenantId }: Person, { sighting, assignment }: SessionState): FleetView | null {
  if (fleet === null || fleet.taken.length === 0) return null;
  const view: FleetView = { egress: null, shipTo: null, rhythm: null };
  const egress = sighting === null ? null : egressSubjects(tenantId, sighting.sourceIp);
  let rhythm: FleetFact | null = null;
  const { taken } = fleet;
  for (let i = 0; i < taken.length; i++) {
    const fact = taken[i]!;
    // Most are of rhythms. What came from another thread is compared letter by letter, so the first one is looked at first.
    const initial = fact.kind.charCodeAt(0);
    if (initial === RHYTHM) {
      if (rhythm === null || isLargerBucket(fact.values, rhythm.values)) rhythm = fact;
    } else if (initial === SHIP_TO) {
      if (assignment !== null && assignment.shippedTo !== null) view.shipTo = toldBy(fact, readShipTo(fact.values, ownKm(assignment)));
    } else if (egress !== null && fact.kind === 'EGRESS' && (fact.subject === egress.own || fact.subject === egress.shared)) view.egress = toldBy(fact, readEgress(fact.values));
  }
  if (rhythm !== null) view.rhythm = toldBy(rhythm, readRhythm(rhythm.values, seenRhythm));
  return view;
}

function ownKm({ declared, shippedTo }: DeviceAssignment): number {
  return shippedTo === null ? 0 : Math.round(greatCircleKm(declared.latitude, declared.longitude, shippedTo.latitude, shippedTo.longitude));
}
