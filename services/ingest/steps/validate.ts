/**
 * Ranges of every field, per record. A record that passes is safe for all later stages: finite numbers, bounded
 * arrays and texts, known enum symbols, real addresses, and a time that is not ahead of its arrival.
 */
import type { Connection, EventHead, KeystrokeLatency } from '#schemas/records.ts';
import { isIpLiteral } from './addresses.ts';
import {
  HOPS_MAX,
  IDENTIFIER_LENGTH_MAX,
  INTERVAL_MS_MAX,
  LATENCY_MS_MAX,
  LIST_MAX,
  SAMPLES_MAX,
  TEXT_LENGTH_MAX,
  TIME_MS_MAX,
  UINT16_MAX,
} from './limits.ts';
import { allPass, quote, reject, type Item, type Outcome, type Rejection, type Step } from './outcome.ts';

const RTT_FIELDS = ['rttMinMs', 'rttMedianMs', 'rttP95Ms'] as const;
const TEXT_FIELDS = ['tlsFingerprint', 'osTimeZone', 'displayEdid'] as const;

const SENSORS = ['ENDPOINT_AGENT', 'VDI_GATEWAY', 'WEB_APP', 'BASTION'];
const LATENCY_CLOCKS = ['ROUND_TRIP', 'TWO_CLOCKS'];
const INPUT_ORIGINS = ['HARDWARE', 'VIRTUAL', 'INJECTED', 'UNKNOWN'];
const PHASES = ['OPEN', 'SAMPLE', 'CLOSE'];
const TRANSPORTS = ['TCP', 'QUIC', 'UDP', 'OTHER'];

type Verdict = Rejection | null;

function isLatency(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LATENCY_MS_MAX; // NaN fails both
}

function latencyProblem(name: string, value: unknown): Rejection {
  return reject('LATENCY_RANGE', `${name} is ${quote(value)}: allowed is 0 to ${LATENCY_MS_MAX} ms`);
}

function outOfRange(name: string, value: unknown, allowed: string): Rejection {
  return reject('OUT_OF_RANGE', `${name} is ${quote(value)}: allowed is ${allowed}`);
}

function checkEnum(name: string, value: unknown, symbols: readonly string[]): Verdict {
  for (let i = 0; i < symbols.length; i++) if (symbols[i] === value) return null;
  return outOfRange(name, value, symbols.join(', '));
}

function checkInteger(name: string, value: unknown, least: number, most: number): Verdict {
  const fits = Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
  return fits ? null : outOfRange(name, value, `an integer from ${least} to ${most}`);
}

function checkList(name: string, value: unknown, most: number): Verdict {
  if (!Array.isArray(value)) return reject('WRONG_TYPE', `${name} is ${quote(value)}: allowed is a list`);
  if (value.length <= most) return null;
  return reject('ARRAY_TOO_LONG', `${name} has ${value.length} entries: allowed are ${most}`);
}

function checkText(name: string, value: unknown): Verdict {
  if (typeof value !== 'string') return reject('WRONG_TYPE', `${name} is ${quote(value)}: allowed is a text`);
  return value.length <= TEXT_LENGTH_MAX ? null : outOfRange(name, value, `a text of at most ${TEXT_LENGTH_MAX} characters`);
}

function checkAddress(name: string, value: unknown): Verdict {
  if (isIpLiteral(value)) return null;
  return reject('INVALID_ADDRESS', `${name} is ${quote(value)}: allowed is an IPv4 or IPv6 literal`);
}

function checkSamples(name: string, samples: unknown): Verdict {
  const listed = checkList(name, samples, SAMPLES_MAX);
  if (listed !== null) return listed;
  const values = samples as unknown[];
  for (let i = 0; i < values.length; i++) {
    if (!isLatency(values[i])) return latencyProblem(`${name}[${i}]`, values[i]);
  }
  return null;
}

/** Separates the parts of what de-duplication hashes. */
const UNIT_SEPARATOR = '\u001f';

function checkIdentifier(name: string, value: unknown): Verdict {
  if (typeof value === 'string' && value.length >= 1 && value.length <= IDENTIFIER_LENGTH_MAX) return null;
  return reject('IDENTIFIER_LENGTH', `${name} is ${quote(value)}: allowed are 1 to ${IDENTIFIER_LENGTH_MAX} characters`);
}

let lastTenant = '';

/** Nearly always the tenant of the event before. */
function isTenantName(tenantId: string): boolean {
  if (tenantId === lastTenant) return true;
  if (tenantId.includes('|') || tenantId.includes(UNIT_SEPARATOR)) return false;
  lastTenant = tenantId;
  return true;
}

function checkHead(event: EventHead, arrivedAt: number | null, clockAheadMsMax: number): Verdict {
  const unnamed =
    checkIdentifier('eventId', event.eventId) ??
    checkIdentifier('tenantId', event.tenantId) ??
    checkIdentifier('sessionId', event.sessionId) ??
    checkIdentifier('deviceId', event.deviceId) ??
    checkIdentifier('userId', event.userId) ??
    checkIdentifier('vantageId', event.vantageId);
  if (unnamed !== null) return unnamed;
  // Keys are tenantId|userId: with a bar in the tenant, one tenant could name another's people.
  if (!isTenantName(event.tenantId)) return outOfRange('tenantId', event.tenantId, "a name without '|' and U+001F");
  const { observedAt } = event;
  if (!Number.isInteger(observedAt) || observedAt <= 0 || observedAt > TIME_MS_MAX) {
    return outOfRange('observedAt', observedAt, 'an epoch time in ms, above 0');
  }
  if (arrivedAt !== null && observedAt - arrivedAt > clockAheadMsMax) {
    const detail = `observedAt is ${observedAt - arrivedAt} ms ahead of the arrival: allowed are ${clockAheadMsMax} ms`;
    return reject('CLOCK_AHEAD', detail);
  }
  return null;
}

function checkKeystrokes(event: KeystrokeLatency): Verdict {
  const samples = checkSamples('registrationLatencyMs', event.registrationLatencyMs) ?? checkSamples('interKeyMs', event.interKeyMs) ?? checkSamples('holdMs', event.holdMs);
  if (samples !== null) return samples;
  if (event.networkRttMs !== null && !isLatency(event.networkRttMs)) return latencyProblem('networkRttMs', event.networkRttMs);
  if (!isLatency(event.clockErrorMs)) return latencyProblem('clockErrorMs', event.clockErrorMs);
  return (
    checkInteger('intervalMs', event.intervalMs, 1, INTERVAL_MS_MAX) ??
    checkEnum('sensor', event.sensor, SENSORS) ??
    checkEnum('latencyClock', event.latencyClock, LATENCY_CLOCKS) ??
    checkEnum('inputOrigin', event.inputOrigin, INPUT_ORIGINS)
  );
}

function checkRoute(event: Connection): Verdict {
  const listed = checkList('forwardedFor', event.forwardedFor, LIST_MAX) ?? checkList('hops', event.hops, HOPS_MAX);
  if (listed !== null) return listed;
  for (let i = 0; i < event.forwardedFor.length; i++) {
    const problem = checkAddress(`forwardedFor[${i}]`, event.forwardedFor[i]);
    if (problem !== null) return problem;
  }
  for (let i = 0; i < event.hops.length; i++) {
    const hop = event.hops[i]!;
    const name = `hops[${i}]`;
    if (hop === null || typeof hop !== 'object') return reject('WRONG_TYPE', `${name} is ${quote(hop)}: allowed is a hop`);
    const problem = checkInteger(`${name}.ttl`, hop.ttl, 0, 255) ?? (hop.ip === null ? null : checkAddress(`${name}.ip`, hop.ip));
    if (problem !== null) return problem;
    if (hop.rttMs !== null && !isLatency(hop.rttMs)) return latencyProblem(`${name}.rttMs`, hop.rttMs);
  }
  return null;
}

function checkEndpoint(event: Connection): Verdict {
  const listed = checkList('remoteTools', event.remoteTools, LIST_MAX) ?? checkList('inputDevices', event.inputDevices, LIST_MAX);
  if (listed !== null) return listed;
  for (let i = 0; i < event.remoteTools.length; i++) {
    const tool = event.remoteTools[i]!;
    const name = `remoteTools[${i}]`;
    if (tool === null || typeof tool !== 'object') return reject('WRONG_TYPE', `${name} is ${quote(tool)}: allowed is a tool`);
    if (typeof tool.active !== 'boolean') return reject('WRONG_TYPE', `${name}.active is ${quote(tool.active)}: allowed is true or false`);
    const problem =
      checkText(`${name}.name`, tool.name) ?? (tool.peerIp === null ? null : checkAddress(`${name}.peerIp`, tool.peerIp));
    if (problem !== null) return problem;
  }
  for (let i = 0; i < event.inputDevices.length; i++) {
    const problem = checkText(`inputDevices[${i}]`, event.inputDevices[i]);
    if (problem !== null) return problem;
  }
  return null;
}

function checkConnection(event: Connection): Verdict {
  const problem = checkAddress('sourceIp', event.sourceIp) ?? checkRoute(event) ?? checkEndpoint(event);
  if (problem !== null) return problem;
  for (const name of RTT_FIELDS) {
    if (event[name] !== null && !isLatency(event[name])) return latencyProblem(name, event[name]);
  }
  for (const name of TEXT_FIELDS) {
    const wrong = event[name] === null ? null : checkText(name, event[name]);
    if (wrong !== null) return wrong;
  }
  return (
    checkEnum('phase', event.phase, PHASES) ??
    checkEnum('transport', event.transport, TRANSPORTS) ??
    (event.sourcePort === null ? null : checkInteger('sourcePort', event.sourcePort, 0, UINT16_MAX)) ??
    (event.mss === null ? null : checkInteger('mss', event.mss, 0, UINT16_MAX)) ??
    (event.receivedTtl === null ? null : checkInteger('receivedTtl', event.receivedTtl, 0, 255))
  );
}

/** Null where the record may pass. */
export function validateRecord({ event, arrivedAt }: Item, clockAheadMsMax: number): Verdict {
  const head = checkHead(event, arrivedAt, clockAheadMsMax);
  if (head !== null) return head;
  return event.type === 'KeystrokeLatency' ? checkKeystrokes(event) : checkConnection(event);
}

export function createValidateStep(config: { clockAheadMsMax: number }): Step {
  return function validate(batch: readonly Item[]): Outcome[] | null {
    let outcomes: Outcome[] | null = null;
    for (let i = 0; i < batch.length; i++) {
      const verdict = validateRecord(batch[i]!, config.clockAheadMsMax);
      if (verdict !== null) (outcomes ??= allPass(batch.length))[i] = verdict;
    }
    return outcomes;
  };
}
