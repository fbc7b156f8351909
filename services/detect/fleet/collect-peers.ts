/** What an hour of a session tells its peers (cohort-peers.ts): how it couples where there is no leg, and how long its way is. */
import { canCouple, log10Coupled } from '../model/coupling.ts';
import { commonWayKm } from '../model/path-excess.ts';
import { deviceHistory, type Person, type SessionState } from '../steps/person.ts';
import { gapValue } from './cohort.ts';
import { couplingSubjects, couplingValue } from './cohort-coupling.ts';
import { waySubject, wayValue } from './cohort-path.ts';
import { networkOf, shortHash } from './subjects.ts';

interface PeerReport {
  subject: string;
  values: readonly [peer: number, value: number];
}

/** What nine in ten honest machines stay below: a leg, however short, lies above it. */
const NO_GAP = gapValue(8.5);
/** Round trips to a source of which its least says something. */
const WAY_SAMPLES_MIN = 6;

/** @param gap low gap of the hour, as a `gapValue`; null where it has none */
export function* peerReports(person: Person, session: SessionState, gap: number | null, hour: number): Generator<PeerReport, void, undefined> {
  if (gap !== null && gap < NO_GAP) yield* couplingReports(person, session);
  const way = wayReport(person, session, hour);
  if (way !== null) yield way;
}

function* couplingReports(person: Person, session: SessionState): Generator<PeerReport, void, undefined> {
  const { tenantId } = person;
  const { sensor, rhythm, deviceId } = session;
  if (rhythm === null || session.helpSince !== null || !canCouple(sensor, session.sighting)) return;
  const log10E = log10Coupled(rhythm.coupling, deviceHistory(person, session)?.coupling ?? null);
  if (log10E === null) return;
  for (const subject of couplingSubjects({ tenantId, sensor })) yield { subject, values: [shortHash(`${tenantId}|${deviceId}`), couplingValue(log10E)] };
}

function wayReport({ tenantId }: Person, { sighting, vantage, transport, assignment }: SessionState, hour: number): PeerReport | null {
  if (sighting === null || sighting.at < hour || transport === null || transport.samples < WAY_SAMPLES_MIN) return null;
  const declared = assignment?.declared ?? null;
  const km = commonWayKm(sighting, vantage, declared);
  if (km === null || vantage === null || declared === null) return null;
  const subject = waySubject({ tenantId, vantageId: vantage.vantageId, region: declared.region ?? declared.country, sighting });
  return subject === null ? null : { subject, values: [shortHash(networkOf(sighting.sourceIp)), wayValue(transport.secondUs / 1000, km)] };
}
