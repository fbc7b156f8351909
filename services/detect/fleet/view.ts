/** From the facts that a person has taken up to what the signals see. */
import { greatCircleKm } from '#lib/kernel/geodesy.ts';
import type { DeviceAssignment, FleetFact } from '#schemas/records.ts';
import type { FleetView, Told } from '../model/fleet-view.ts';
import type { Person, SessionState } from '../steps/person.ts';
import { readEgress } from './egress.ts';
import { isLargerBucket, readRhythm } from './rhythm.ts';
import { readShipTo } from './ship-to.ts';
import { egressSubject } from './subjects.ts';

const toldBy = <T>(fact: FleetFact, figures: T): Told<T> => ({ figures, subject: fact.subject, until: fact.windowEnd });

/** Null where nothing was told. Facts change every few hours, and windows close every minute: the same until one of them does, or the source. */
export function fleetView({ fleet, tenantId }: Person, { sighting, assignment }: SessionState): FleetView | null {
  if (fleet === null || fleet.taken.length === 0) return null;
  const sourceIp = sighting === null ? null : sighting.sourceIp;
  const { found, taken } = fleet;
  if (found !== undefined && found.among === taken && found.sourceIp === sourceIp && found.assignment === assignment) return found.view;
  const view = find(taken, tenantId, sourceIp, assignment);
  fleet.found = { among: taken, sourceIp, assignment, view };
  return view;
}

/** Of the facts in force, those that are about where and how the person is now; of the buckets of rhythms the largest. */
function find(among: readonly FleetFact[], tenantId: string, sourceIp: string | null, assignment: DeviceAssignment | null): FleetView {
  const [shared, own] = sourceIp === null ? [] : [egressSubject(null, sourceIp), egressSubject(tenantId, sourceIp)];
  let egress: FleetFact | null = null;
  let shipTo: FleetFact | null = null;
  let rhythm: FleetFact | null = null;
  for (const fact of among) {
    if (fact.kind === 'EGRESS' && (fact.subject === own || fact.subject === shared)) egress = fact;
    else if (fact.kind === 'SHIP_TO') shipTo = fact;
    else if (fact.kind === 'RHYTHM' && (rhythm === null || isLargerBucket(fact.values, rhythm.values))) rhythm = fact;
  }
  return {
    egress: egress === null ? null : toldBy(egress, readEgress(egress.values)),
    shipTo: shipTo === null || assignment === null || assignment.shippedTo === null ? null : toldBy(shipTo, readShipTo(shipTo.values, ownKm(assignment))),
    rhythm: rhythm === null ? null : toldBy(rhythm, readRhythm(rhythm.values)),
  };
}

function ownKm({ declared, shippedTo }: DeviceAssignment): number {
  return shippedTo === null ? 0 : Math.round(greatCircleKm(declared.latitude, declared.longitude, shippedTo.latitude, shippedTo.longitude));
}
