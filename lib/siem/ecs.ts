/**
 * Elastic Common Schema, nested JSON. What ECS has no field for lies under `farhand`, as ECS asks of custom fields.
 * Times are event times, ISO 8601 in UTC. Keys stand in the order written here.
 */
import type { Evidence, FindingStatus, SuspiciousSession } from '#schemas/records.ts';
import { LEVELS, type SeverityMap } from './severity.ts';
import { adviceOf, DESCRIPTION, EVENT_CODE, ipVersion, isoTime, PRODUCT, reasonOf, revisionId, riskOf, titleOf } from './wording.ts';

/** The release that the document claims: all fields used here are in it, and still in later ones (tests: 9.5.0-dev). */
export const ECS_VERSION = '8.11.0';

const ACTIONS: Readonly<Record<FindingStatus, string>> = {
  OPENED: 'finding-opened',
  ESCALATED: 'finding-escalated',
  UPDATED: 'finding-updated',
  CLOSED: 'finding-closed',
};

export interface EcsOptions {
  readonly severities: SeverityMap;
}

/** Absent parts are undefined, which JSON leaves out. */
export function toEcs(finding: SuspiciousSession, { severities }: EcsOptions): object {
  const level = LEVELS[severities[finding.severity]];
  const risk = riskOf(finding);
  const subject = { calculated_level: level.risk, calculated_score: risk, calculated_score_norm: risk };
  const address = finding.network !== null && ipVersion(finding.network.sourceIp) !== 0 ? [finding.network.sourceIp] : undefined;
  return {
    '@timestamp': isoTime(finding.detectedAt),
    ecs: { version: ECS_VERSION },
    message: `${titleOf(finding)}. ${reasonOf(finding)}`,
    event: {
      kind: 'alert',
      category: ['intrusion_detection'],
      type: ['info'],
      action: ACTIONS[finding.status],
      code: EVENT_CODE,
      id: revisionId(finding),
      sequence: finding.revision,
      module: 'farhand',
      dataset: 'farhand.findings',
      provider: 'farhand-detect',
      severity: level.ecs,
      risk_score: risk,
      risk_score_norm: risk,
      reason: reasonOf(finding),
      start: isoTime(finding.firstSuspiciousAt),
      end: isoTime(Math.max(finding.firstSuspiciousAt, finding.windowEnd)),
    },
    rule: {
      id: EVENT_CODE,
      name: titleOf(finding),
      description: DESCRIPTION,
      category: finding.hypotheses[0]?.hypothesis,
      ruleset: finding.rules.name,
      version: finding.rules.version,
      uuid: finding.rules.hash,
    },
    observer: { vendor: PRODUCT.vendor, product: PRODUCT.name, version: PRODUCT.version, type: 'sensor' },
    organization: { id: finding.tenantId },
    user: { id: finding.userId, risk: subject },
    host: { id: finding.deviceId, risk: subject },
    source: sourceOf(finding),
    related: { ip: address, user: [finding.userId], hosts: [finding.deviceId] },
    farhand: ownFields(finding),
  };
}

function sourceOf({ network }: SuspiciousSession): object | undefined {
  if (network === null) return undefined;
  const { sourceIp, country, city, asn, organisation } = network;
  return {
    address: sourceIp,
    ip: ipVersion(sourceIp) === 0 ? undefined : sourceIp,
    geo: country === null && city === null ? undefined : { country_iso_code: country ?? undefined, city_name: city ?? undefined },
    as:
      asn === null && organisation === null
        ? undefined
        : { number: asn ?? undefined, organization: organisation === null ? undefined : { name: organisation } },
  };
}

function ownFields(finding: SuspiciousSession): object {
  const { declared, network, operatorDistanceKm } = finding;
  return {
    finding: { id: finding.findingId, revision: finding.revision, status: finding.status, severity: finding.severity, closed_as: finding.closedAs ?? undefined },
    session: { id: finding.sessionId },
    evidence_strength: finding.evidenceStrength,
    recommendation: finding.recommendation,
    advice: adviceOf(finding),
    hypotheses: finding.hypotheses.map(({ hypothesis, share }) => ({ name: hypothesis, share })),
    operator_distance_km: operatorDistanceKm ?? undefined,
    declared:
      declared === null
        ? undefined
        : {
            country_iso_code: declared.country,
            region_name: declared.region ?? undefined,
            city_name: declared.city ?? undefined,
            location: { lat: declared.latitude, lon: declared.longitude },
            timezone: declared.timeZone ?? undefined,
          },
    network: network === null ? undefined : { category: network.category, category_reason: network.categoryReason, hidden_hops: network.hiddenHops },
    window: { start: isoTime(finding.windowStart), end: isoTime(finding.windowEnd) },
    evidence: finding.evidence.map(evidenceFields),
  };
}

function evidenceFields(evidence: Evidence): object {
  const { signal, family, strength, observed, expected, unit, samples, windowStart, windowEnd, explanation } = evidence;
  return { signal, family, strength, observed, expected, unit, samples, window: { start: isoTime(windowStart), end: isoTime(windowEnd) }, explanation };
}
