/**
 * ArcSight Common Event Format (CEF:0), one line without a line break; the syslog header is the sender's to add.
 * Escaping and lengths as the implementation standard gives them: in the header `\` and `|`, in extension values `\`,
 * `=` and line breaks. Times are event times, epoch milliseconds.
 */
import type { SuspiciousSession } from '#schemas/records.ts';
import { LEVELS, type SeverityMap } from './severity.ts';
import { distanceText, EVENT_CODE, ipVersion, PRODUCT, reasonOf, riskOf, titleOf } from './wording.ts';

export interface CefOptions {
  readonly severities: SeverityMap;
}

/** Key, value and the most characters that the dictionary allows of it. */
type Field = readonly [key: string, value: string | number | null, most?: number];

export function toCef(finding: SuspiciousSession, { severities }: CefOptions): string {
  const head = [PRODUCT.vendor, PRODUCT.name, PRODUCT.version, EVENT_CODE, titleOf(finding)].map(header);
  const extension = fieldsOf(finding)
    .filter((field) => field[1] !== null && field[1] !== '')
    .map(([key, value, most]) => `${key}=${extensionValue(cut(String(value), most ?? Infinity))}`);
  return `CEF:0|${head.join('|')}|${LEVELS[severities[finding.severity]].cef}|${extension.join(' ')}`;
}

function fieldsOf(finding: SuspiciousSession): Field[] {
  const { network, rules } = finding;
  return [
    ['rt', finding.detectedAt],
    ['start', finding.windowStart],
    ['end', finding.windowEnd],
    ['externalId', finding.findingId, 40],
    ['cat', finding.hypotheses[0]?.hypothesis ?? null, 1023],
    ['act', finding.status, 63],
    ['outcome', finding.closedAs, 63],
    ['msg', reasonOf(finding), 1023],
    ['suid', finding.userId, 1023],
    ['deviceExternalId', finding.deviceId, 255],
    ...addressFields(finding),
    ...labelled('cn1', 'revision', finding.revision),
    ...labelled('cn2', 'riskScore', riskOf(finding)),
    ...labelled('cn3', 'sourceAsn', network?.asn ?? null),
    ...labelled('cfp1', 'evidenceStrength', finding.evidenceStrength),
    ...labelled('cfp2', 'operatorDistanceKm', finding.operatorDistanceKm?.likely ?? null),
    ...labelled('cs1', 'sessionId', finding.sessionId),
    ...labelled('cs2', 'hypotheses', finding.hypotheses.map(({ hypothesis, share }) => `${hypothesis} ${share}`).join(', ')),
    ...labelled('cs3', 'recommendation', finding.recommendation),
    ...labelled('cs4', 'rules', `${rules.name} ${rules.version} ${rules.hash}`),
    ...labelled('cs5', 'evidence', finding.evidence.map(({ signal, observed, expected, unit }) => `${signal} ${observed} ${unit} (expected ${expected})`).join('; ')),
    ...labelled('cs6', 'operatorDistance', distanceText(finding)),
    ...labelled('flexString1', 'tenantId', finding.tenantId, 1023),
    ...labelled('flexString2', 'sourceNetwork', network === null ? null : [network.country, network.city, network.organisation, network.category].filter((part) => part !== null).join(', '), 1023),
    ...labelled('flexDate1', 'firstSuspiciousAt', finding.firstSuspiciousAt),
  ];
}

/** `src` takes IPv4 only; IPv6 has a custom field of its own. */
function addressFields({ network }: SuspiciousSession): Field[] {
  if (network === null) return [];
  const version = ipVersion(network.sourceIp);
  if (version === 4) return [['src', network.sourceIp]];
  return version === 6 ? labelled('c6a2', 'Source IPv6 Address', network.sourceIp) : [['shost', network.sourceIp, 1023]];
}

/** Custom fields carry what they mean beside them; neither stands without the other. */
function labelled(key: string, label: string, value: string | number | null, most = 4000): Field[] {
  return value === null || value === '' ? [] : [[key, value, most], [`${key}Label`, label, 1023]];
}

const HEADER_MAX = 512;
/** Every other control character, the line separators of Unicode too, would break a line-based receiver. */
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f\u0085\u2028\u2029]/g;

function header(text: string): string {
  return cut(text, HEADER_MAX).replace(CONTROLS, ' ').replace(/[\r\n]/g, ' ').replace(/[\\|]/g, '\\$&');
}

function extensionValue(text: string): string {
  return text.replace(CONTROLS, ' ').replace(/[\\=]/g, '\\$&').replaceAll('\r', '\\r').replaceAll('\n', '\\n');
}

/** At most `most` UTF-16 units, never half a surrogate pair. */
function cut(text: string, most: number): string {
  const whole = text.toWellFormed();
  if (whole.length <= most) return whole;
  const last = whole.charCodeAt(most - 1);
  return whole.slice(0, last >= 0xd800 && last < 0xdc00 ? most - 1 : most);
}
