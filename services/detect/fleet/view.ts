/** From the facts that a person has taken up to what the signals see. */
import { greatCircleKm } from '#lib/kernel/geodesy.ts';
import type { DeviceAssignment, FleetFact } from '#schemas/records.ts';
import type { FleetView, Told } from '../model/fleet-view.ts';
import type { Person, SessionState } from '../steps/person.ts';
import { readEgress } from './egress.ts';
import type { FoundFacts } from './person-fleet.ts';
import { isLargerBucket, newRhythmFigures, readRhythm } from './rhythm.ts';
import { readShipTo } from './ship-to.ts';
import { egressSubjects } from './subjects.ts';

const toldBy = <T>(fact: FleetFact, figures: T): Told<T> => ({ figures, subject: fact.subject, until: fact.windowEnd });

/** Filled again for every window that asks, as the view of the session is. */
const seenRhythm = newRhythmFigures();

/** Null where nothing was told; of use until somebody asks for another session's. */
export function fleetView({ fleet, tenantId }: Person, { sighting, assignment }: SessionState): FleetView | null {
  if (fleet === null || fleet.taken.length === 0) return null;
  const sourceIp = sighting === null ? null : sighting.sourceIp;
  // Facts change every few hours, and windows close every minute.
  if (fleet.found === undefined || fleet.found.among !== fleet.taken || fleet.found.sourceIp !== sourceIp) fleet.found = find(fleet.taken, tenantId, sourceIp);
  const { egress, shipTo, rhythm } = fleet.found;
  return {
    egress: egress === null ? null : toldBy(egress, readEgress(egress.values)),
    shipTo: shipTo === null || assignment === null || assignment.shippedTo === null ? null : toldBy(shipTo, readShipTo(shipTo.values, ownKm(assignment))),
    rhythm: rhythm === null ? null : toldBy(rhythm, readRhythm(rhythm.values, seenRhythm)),
  };
}

function find(among: readonly FleetFact[], tenantId: string, sourceIp: string | null): FoundFacts {
  const network = sourceIp === null ? null : egressSubjects(tenantId, sourceIp);
  let egress: FleetFact | null = null;
  let shipTo: FleetFact | null = null;
  let rhythm: FleetFact | null = null;
  for (const fact of among) {
    if (fact.kind === 'EGRESS' && network !== null && (fact.subject === network.own || fact.subject === network.shared)) egress = fact;
    else if (fact.kind === 'SHIP_TO') shipTo = fact;
    else if (fact.kind === 'RHYTHM' && (rhythm === null || isLargerBucket(fact.values, rhythm.values))) rhythm = fact;
  }
  return { among, sourceIp, egress, shipTo, rhythm };
}

function ownKm({ declared, shippedTo }: DeviceAssignment): number {
  return shippedTo === null ? 0 : Math.round(greatCircleKm(declared.latitude, declared.longitude, shippedTo.latitude, shippedTo.longitude));
}
