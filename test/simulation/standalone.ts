/** The simulated log on real time and without faults, for the contract that every log keeps. */
import type { Clock } from '#lib/kernel/clock.ts';
import type { Log } from '#lib/log/log.ts';
import { Broker } from './broker/broker.ts';
import { Network } from './broker/network.ts';
import { FaultPlan } from './faults.ts';
import { SimulatedProcess } from './process.ts';
import { SimLog } from './sim-log.ts';

export function standaloneSimulatedLog(clock: Clock): Log {
  const process = new SimulatedProcess('standalone', clock);
  const broker = new Broker(clock, 15_000);
  const onCrash = (): void => process.crash();
  return new SimLog(new Network({ broker, process, faults: new FaultPlan(0, false), latencyMs: { least: 0, most: 2 }, away: () => false, onCrash }), new Map());
}
