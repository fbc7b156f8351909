/**
 * OCSF 1.8.0 Detection Finding (class_uid 2004): https://schema.ocsf.io/1.8.0/classes/detection_finding
 * All times are event times in epoch milliseconds; nothing is read from a clock. Keys stand in the order written here.
 */
import type { Evidence, FindingNetwork, FindingStatus, SuspiciousSession } from '#schemas/records.ts';
import { confidenceOf, LEVELS, SEVERITIES, type SeverityMap, type Thresholds } from './severity.ts';
import { adviceOf, distanceText, EVENT_CODE, ipVersion, PRODUCT, reasonOf, revisionId, riskOf, titleOf } from './wording.ts';

export const OCSF_VERSION = '1.8.0';
const CLASS_UID = 2004;

const ACTIVITIES: Readonly<Record<FindingStatus, { id: 1 | 2 | 3; name: string }>> = {
  OPENED: { id: 1, name: 'Create' },
  ESCALATED: { id: 2, name: 'Update' },
  UPDATED: { id: 2, name: 'Update' },
  CLOSED: { id: 3, name: 'Close' },
};

/**
 * status_id says what people have done with the finding. Nobody has by the time it is open: New, also when revised.
 * Suppressed is OCSF's word for "reviewed and found benign"; Resolved for "reviewed"; Archived for one that ran out.
 */
function statusOf({ status, closedAs }: SuspiciousSession): { id: 1 | 3 | 4 | 5; caption: string } {
  if (status !== 'CLOSED') return { id: 1, caption: 'New' };
  if (closedAs === 'BENIGN') return { id: 3, caption: 'Suppressed' };
  return closedAs === 'CONFIRMED' ? { id: 4, caption: 'Resolved' } : { id: 5, caption: 'Archived' };
}

export interface OcsfOptions {
  readonly severities: SeverityMap;
  readonly thresholds: Thresholds;
}

/** Absent parts are undefined, which JSON leaves out. */
export function toOcsf(finding: SuspiciousSession, { severities, thresholds }: OcsfOptions): object {
  const activity = ACTIVITIES[finding.status];
  const status = statusOf(finding);
  const level = LEVELS[severities[finding.severity]];
  const confidence = confidenceOf(finding.evidenceStrength, thresholds);
  return {
    activity_id: activity.id,
    activity_name: activity.name,
    category_uid: 2,
    category_name: 'Findings',
    class_uid: CLASS_UID,
    class_name: 'Detection Finding',
    type_uid: CLASS_UID * 100 + activity.id,
    type_name: `Detection Finding: ${activity.name}`,
    time: finding.detectedAt,
    start_time: finding.windowStart,
    end_time: finding.windowEnd,
    severity_id: level.ocsfId,
    severity: level.caption,
    status_id: status.id,
    status: status.caption,
    status_code: finding.status,
    status_detail: finding.closedAs ?? undefined,
    is_alert: true,
    confidence_id: confidence.id,
    confidence: confidence.caption,
    risk_level_id: level.riskId,
    risk_level: level.risk,
    risk_score: riskOf(finding),
    risk_details: riskDetails(finding),
    message: `${titleOf(finding)}. ${reasonOf(finding)}`,
    metadata: {
      version: OCSF_VERSION,
      product: { name: PRODUCT.name, vendor_name: PRODUCT.vendor, version: PRODUCT.version },
      uid: revisionId(finding),
      sequence: finding.revision,
      event_code: EVENT_CODE,
      tenant_uid: finding.tenantId,
      correlation_uid: finding.sessionId,
    },
    finding_info: findingInfo(finding),
    device: { type_id: 99, type: 'Workstation', uid: finding.deviceId, owner: { type_id: 1, uid: finding.userId }, risk_score: riskOf(finding) },
    resources: [{ uid: finding.deviceId, type: 'Workstation', role_id: 3, role: 'Affected', owner: { type_id: 1, uid: finding.userId } }],
    evidences: [subjectEvidence(finding), ...finding.evidence.map(signalEvidence)],
    anomaly_analyses: [combinedAnomaly(finding, thresholds), ...finding.evidence.map((evidence) => signalAnomaly(finding, evidence))],
    observables: observablesOf(finding),
    remediation: { desc: adviceOf(finding) },
    unmapped: {
      recommendation: finding.recommendation,
      evidenceStrength: finding.evidenceStrength,
      hypotheses: finding.hypotheses,
      operatorDistanceKm: finding.operatorDistanceKm,
      declared: finding.declared,
      network: networkRest(finding.network),
    },
  };
}

function riskDetails(finding: SuspiciousSession): string {
  const distance = distanceText(finding);
  const text = `Combined evidence of 10^${finding.evidenceStrength} that the session is not what was declared`;
  return distance === null ? `${text}.` : `${text}; the operator is about ${distance} from the workstation.`;
}

function findingInfo(finding: SuspiciousSession): object {
  const { rules } = finding;
  const families = [...new Set(finding.evidence.map((evidence) => evidence.family))].sort();
  return {
    uid: finding.findingId,
    title: titleOf(finding),
    desc: finding.evidence.map((evidence) => evidence.explanation).join(' ') || reasonOf(finding),
    types: finding.hypotheses.map(({ hypothesis }) => hypothesis),
    // Later revisions do not carry when the first was decided.
    created_time: finding.revision === 1 ? finding.detectedAt : undefined,
    modified_time: finding.detectedAt,
    first_seen_time: finding.firstSuspiciousAt,
    last_seen_time: finding.windowEnd,
    data_sources: ['KeystrokeLatency', 'Connection'],
    analytic: {
      type_id: 3,
      type: 'Statistical',
      uid: rules.hash,
      name: rules.name,
      version: rules.version,
      category: families.length === 0 ? undefined : families.join(', '),
      state_id: 1,
      state: 'Active',
    },
    product: { name: PRODUCT.name, vendor_name: PRODUCT.vendor, version: PRODUCT.version },
  };
}

/** Who, on what, from where. */
function subjectEvidence(finding: SuspiciousSession): object {
  return {
    name: 'subject',
    actor: { session: { uid: finding.sessionId }, user: { type_id: 1, uid: finding.userId } },
    device: { type_id: 99, type: 'Workstation', uid: finding.deviceId },
    src_endpoint: finding.network === null ? undefined : endpointOf(finding.network),
  };
}

function endpointOf(network: FindingNetwork): object {
  const { sourceIp, country, city, asn, organisation } = network;
  const known = country !== null || city !== null;
  return {
    ip: ipVersion(sourceIp) === 0 ? undefined : sourceIp,
    name: ipVersion(sourceIp) === 0 ? sourceIp : undefined,
    location: known ? { country: country ?? undefined, city: city ?? undefined } : undefined,
    autonomous_system: asn === null && organisation === null ? undefined : { number: asn ?? undefined, name: organisation ?? undefined },
  };
}

function signalEvidence(evidence: Evidence): object {
  const { signal, family, strength, observed, expected, unit, samples, windowStart, windowEnd, explanation } = evidence;
  return {
    name: signal,
    data: { signal, family, strength, observed, expected, unit, samples, window_start: windowStart, window_end: windowEnd, explanation },
    verdict_id: 4,
    verdict: 'Suspicious',
  };
}

const target = (finding: SuspiciousSession) => [{ name: finding.sessionId, type: 'Session' }];
const interval = (start: number, end: number) => ({ type_id: 9, type: 'Time Interval', start_time: start, end_time: end });

/** Everything together against the thresholds of the detector. */
function combinedAnomaly(finding: SuspiciousSession, thresholds: Thresholds): object {
  const parameter = 'evidence strength (log10)';
  const observed = { value: String(finding.evidenceStrength), count: finding.evidence.length, timespan: interval(finding.windowStart, finding.windowEnd) };
  return {
    analysis_targets: target(finding),
    anomalies: [{ observation_parameter: parameter, observation_type: 'Observed', observations: [observed], observed_pattern: finding.severity }],
    baselines: [
      { observation_parameter: parameter, observation_type: 'Baseline', observations: [{ value: '0' }], observed_pattern: 'as declared' },
      ...SEVERITIES.map((severity) => ({
        observation_parameter: parameter,
        observation_type: 'Threshold',
        observations: [{ value: String(thresholds[severity]) }],
        observed_pattern: severity,
      })),
    ],
  };
}

/** One signal: what was measured against what is expected of an honest session. */
function signalAnomaly(finding: SuspiciousSession, evidence: Evidence): object {
  const parameter = `${evidence.signal} (${evidence.unit})`;
  const observed = { value: String(evidence.observed), count: evidence.samples, timespan: interval(evidence.windowStart, evidence.windowEnd) };
  return {
    analysis_targets: target(finding),
    anomalies: [{ observation_parameter: parameter, observation_type: 'Observed', observations: [observed], observed_pattern: evidence.explanation }],
    baselines: [{ observation_parameter: parameter, observation_type: 'Baseline', observations: [{ value: String(evidence.expected) }] }],
  };
}

function observablesOf(finding: SuspiciousSession): object[] {
  const observables: object[] = [
    { name: 'device.uid', type_id: 47, type: 'Device Object: uid', value: finding.deviceId },
    { name: 'device.owner.uid', type_id: 31, type: 'User Object: uid', value: finding.userId },
  ];
  const { network } = finding;
  if (network === null) return observables;
  if (ipVersion(network.sourceIp) !== 0) observables.push({ name: 'evidences[0].src_endpoint.ip', type_id: 2, type: 'IP Address', value: network.sourceIp });
  if (network.country !== null) observables.push({ name: 'evidences[0].src_endpoint.location.country', type_id: 14, type: 'Country', value: network.country });
  return observables;
}

/** What OCSF has no field for. */
function networkRest(network: FindingNetwork | null): object | null {
  if (network === null) return null;
  const { category, categoryReason, hiddenHops, databases } = network;
  return { category, categoryReason, hiddenHops, databases };
}
