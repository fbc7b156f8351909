/** Reference records for the tests of this folder and the contract suite. */
import type { DeviceAssignment, Feedback, NetworkPolicy, PolicyKind, Vantage, Verdict } from '#schemas/records.ts';
import type { ReferenceRequest } from './port.ts';

export function assignment(deviceId: string, validFrom: number, changes: Partial<DeviceAssignment> = {}): DeviceAssignment {
  return {
    type: 'DeviceAssignment',
    tenantId: 'acme',
    deviceId,
    userId: `user of ${deviceId} from ${validFrom}`,
    employment: 'CONTRACTOR',
    declared: { country: 'US', region: 'AZ', city: 'Phoenix', latitude: 33.4484, longitude: -112.074, timeZone: 'America/Phoenix' },
    shippedTo: null,
    validFrom,
    validTo: null,
    ...changes,
  };
}

export function feedback(on: { sessionId: string } | { findingId: string }, at: number, verdict: Verdict = 'BENIGN'): Feedback {
  return { type: 'Feedback', tenantId: 'acme', sessionId: null, findingId: null, verdict, reason: null, by: 'analyst', at, ...on };
}

export function policy(cidr: string, kind: PolicyKind, changes: Partial<NetworkPolicy> = {}): NetworkPolicy {
  return { type: 'NetworkPolicy', tenantId: 'acme', cidr, kind, latitude: null, longitude: null, note: null, validTo: null, ...changes };
}

export const seattle: Vantage = { type: 'Vantage', vantageId: 'seattle', latitude: 47.6062, longitude: -122.3321, name: 'Seattle' };

export function request(at: number, changes: Partial<ReferenceRequest> = {}): ReferenceRequest {
  return { tenantId: 'acme', deviceId: 'laptop', sessionId: 'session', vantageId: 'seattle', observedAt: at, ...changes };
}
