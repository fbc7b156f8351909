/** How far away the operator of a session is, of what its signals hold. */
import { KM_PER_RTT_MS } from '#lib/kernel/geodesy.ts';
import { legOf, machineGap, operatorDistance, type DistanceKm } from '../model/distance.ts';
import { legFloor } from '../model/gap-statistic.ts';
import { ownGap } from '../model/history.ts';
import { partOfWorld, REACH, type ReachRow } from '../model/reach.ts';
import { latitudeOf, longitudeOf, type Sighting } from '../model/sighting.ts';
import { SIGNALS } from '../model/signals.ts';
import type { SignalParameters } from '../model/view.ts';
import { deviceHistory, lowerSpreadUs, type Person, type SessionState } from './person.ts';

/** An onset has taken the machine's own off already. */
const ONSET_MACHINE = { least: 0.3, typical: 0, most: 0 };

/** The leg begins where the transport ends. */
function reachFrom(sighting: Sighting | null): readonly ReachRow[] {
  const latitude = sighting === null ? null : latitudeOf(sighting);
  const longitude = sighting === null ? null : longitudeOf(sighting);
  return REACH[latitude === null || longitude === null ? 'ELSEWHERE' : partOfWorld(latitude, longitude)];
}

/** From the hidden leg where there is one, else from an onset, else from the excess of the path; null where none is held. */
export function operatorDistanceOf(person: Person, session: SessionState, { config }: SignalParameters): DistanceKm | null {
  const reading = (name: string) => {
    const i = SIGNALS.findIndex((signal) => signal.name === name);
    return session.signals[i]!.held > 0 ? session.signals[i]!.reading : null;
  };
  const reach = reachFrom(session.sighting);
  const track = session.tracks[session.clock];
  const clockErrorMs = (track?.clockErrorUs ?? 0) / 1000;
  const ways = session.clock === 1 ? 2 : 1;
  // What is late is late against a smoothed round trip: a quarter of the round trip's own spread is granted.
  const spreadMs = lowerSpreadUs(session.transport) / 4000;
  const leg = reading('hiddenLeg');
  const prior = session.sensor === 'VDI_GATEWAY' ? config.hiddenLeg.hosted : config.hiddenLeg.direct;
  if (leg !== null) {
    const presentMs = leg.observed + clockErrorMs;
    const { floorMs, queueMs } = legFloor(track?.minutes ?? [], presentMs);
    const history = session.clock === 1 ? undefined : deviceHistory(person, session);
    const machine = machineGap(floorMs, prior.medianMs, leg.expected, history === undefined ? null : ownGap(history));
    return operatorDistance(legOf(floorMs, machine, clockErrorMs + spreadMs / ways, queueMs, ways), reach);
  }
  const onset = reading('onset');
  if (onset !== null) return operatorDistance(legOf(onset.observed, ONSET_MACHINE, spreadMs / ways, 0, ways), reach);
  const path = reading('pathExcess');
  const km = session.sighting?.sourceDistanceKm ?? null;
  if (path === null || km === null) return null;
  const floor = km / KM_PER_RTT_MS;
  const most = path.observed - floor;
  const likely = most - Math.min(most, 0.7 * floor + 10);
  return operatorDistance({ least: likely, likely, most }, reach);
}
