/** The signals in their fixed order; the order is on disk (state), so new ones go to the end. */
import { declaredPlace, declaredPlaceSignal } from './declared-place.ts';
import { hiddenLeg, hiddenLegSignal } from './hidden-leg.ts';
import { hours, hoursSignal } from './hours.ts';
import { impossibleTravel, impossibleTravelSignal } from './impossible-travel.ts';
import { laptopFarm, laptopFarmSignal } from './laptop-farm.ts';
import { locationRefuted, locationRefutedSignal } from './location-refuted.ts';
import { novelty, noveltySignal } from './novelty.ts';
import { oneOperator, oneOperatorSignal } from './one-operator.ts';
import { ownGap, ownGapSignal } from './own-gap.ts';
import { onset, onsetSignal } from './onset.ts';
import { operatorChange, operatorChangeSignal } from './operator-change.ts';
import { pathExcess, pathExcessSignal } from './path-excess.ts';
import type { Answer, SignalDescription } from './reading.ts';
import { relayAddress, relayAddressSignal } from './relay-address.ts';
import { remoteControl, remoteControlSignal } from './remote-control.ts';
import { route, routeSignal } from './route.ts';
import { sharedShipTo, sharedShipToSignal } from './shared-ship-to.ts';
import { sharedTypist, sharedTypistSignal } from './shared-typist.ts';
import { transportMarks, transportMarksSignal } from './transport-marks.ts';
import type { SessionView, SignalParameters } from './view.ts';

export interface Signal extends SignalDescription {
  readonly evaluate: (view: SessionView, parameters: SignalParameters) => Answer;
}

export const SIGNALS: readonly Signal[] = [
  { ...hiddenLegSignal, evaluate: hiddenLeg },
  { ...onsetSignal, evaluate: onset },
  { ...pathExcessSignal, evaluate: pathExcess },
  { ...locationRefutedSignal, evaluate: locationRefuted },
  { ...declaredPlaceSignal, evaluate: declaredPlace },
  { ...relayAddressSignal, evaluate: relayAddress },
  { ...routeSignal, evaluate: route },
  { ...impossibleTravelSignal, evaluate: impossibleTravel },
  { ...remoteControlSignal, evaluate: remoteControl },
  { ...transportMarksSignal, evaluate: transportMarks },
  { ...operatorChangeSignal, evaluate: operatorChange },
  { ...hoursSignal, evaluate: hours },
  { ...noveltySignal, evaluate: novelty },
  { ...laptopFarmSignal, evaluate: laptopFarm },
  { ...sharedShipToSignal, evaluate: sharedShipTo },
  { ...sharedTypistSignal, evaluate: sharedTypist },
  { ...oneOperatorSignal, evaluate: oneOperator },
  { ...ownGapSignal, evaluate: ownGap },
];
