/** The findings, one after the other: a line each, that opens to evidence, charts and a map. */
import { RANK, SEVERITIES } from '../evaluation-figures.ts';
import { sessionKey, type SessionLabel } from '../labels.ts';
import { evidenceChart, latencyChart, type Chart } from './charts.ts';
import type { ReportData, ReportFinding } from './data.ts';
import { badge, escapeHtml as text, number, section, time } from './html.ts';
import { mapSvg } from './map.ts';
import { severityCounts } from './sections.ts';
import type { Track } from './tracks.ts';

/** Findings with charts and a map; the others have their evidence in words. */
const DRAWN_MAX = 300;
/** Remote sessions without a finding whose latency is drawn. */
const MISSED_MAX = 60;

/** Adds a chart to the page and answers its place in it. */
export type AddChart = (chart: Chart, lazy: boolean) => string;

function verdict(label: SessionLabel | null): string {
  if (label === null) return '';
  return label.remote ? `<span class="true">✓ ${text(label.kind)}</span>` : `<span class="false">✗ honest: ${text(label.kind)}</span>`;
}

function mapOf({ strongest }: ReportFinding, track: Track | null): string {
  const { declared, network, operatorDistanceKm: distance } = strongest;
  const place = track?.places.find(({ ip }) => ip === network?.sourceIp) ?? null;
  const map = mapSvg({
    declared: declared === null ? null : { latitude: declared.latitude, longitude: declared.longitude, name: [declared.city, declared.country].filter((part) => part !== null).join(', ') },
    source: place === null || network === null ? null : { latitude: place.latitude, longitude: place.longitude, name: `${network.sourceIp}${place.name === '' ? '' : `, ${place.name}`}` },
    vantage: track?.vantage ?? null,
    distance,
  });
  return map ?? '';
}

function facts({ strongest, latest, revisions, first }: ReportFinding): string {
  const { operatorDistanceKm: distance, network } = strongest;
  const closed = latest.closedAs === null ? '' : ` as ${latest.closedAs}`;
  const rows: [string, string][] = [
    ['Session', `${text(latest.sessionId)} on device ${text(latest.deviceId)}, tenant ${text(latest.tenantId)}`],
    ['Finding', `<code>${text(latest.findingId)}</code>, ${number(revisions.length)} revisions, ${text(latest.status.toLowerCase())}${text(closed)} ${time(latest.detectedAt)}`],
    ['Suspicious since', `${time(first.firstSuspiciousAt)}, evidence from ${time(strongest.windowStart)} to ${time(strongest.windowEnd)}`],
    ['Hypotheses', strongest.hypotheses.map(({ hypothesis, share }) => `${text(hypothesis)} ${Math.round(share * 100)}%`).join(', ')],
    ['Operator', distance === null ? 'no distance known' : `likely ${number(Math.round(distance.likely))} km from the source address (${number(Math.round(distance.lower))}–${number(Math.round(distance.upper))})`],
    ['Network', network === null ? 'unknown' : text([network.sourceIp, network.city, network.country, network.asn === null ? null : `AS${network.asn}`, network.organisation, network.category].filter((part) => part !== null).join(' · '))],
    ['Recommendation', text(strongest.recommendation)],
  ];
  return `<dl class="facts">${rows.map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`).join('')}</dl>`;
}

function evidence({ strongest }: ReportFinding): string {
  const entries = strongest.evidence.map(
    ({ signal, family, strength, explanation, windowStart, windowEnd }) =>
      `<li><b>${text(signal)}</b> <span class="soft">${text(family)}, strength ${strength.toFixed(1)}, ${time(windowStart).slice(11)}–${time(windowEnd).slice(11)}</span><br>${text(explanation)}</li>`,
  );
  return entries.length === 0 ? '' : `<h4>Evidence</h4><ul class="evidence">${entries.join('')}</ul>`;
}

function findingItem(data: ReportData, finding: ReportFinding, drawn: boolean, addChart: AddChart): string {
  const { strongest, highest, first } = finding;
  const label = data.labels.get(sessionKey(strongest)) ?? null;
  const track = data.tracks.get(sessionKey(strongest));
  const top = strongest.hypotheses[0];
  const charts = drawn ? `<div class="grid">${track === null || track.points.size < 2 ? '' : addChart(latencyChart(track, finding, label), true)}${addChart(evidenceChart(finding), true)}</div>${mapOf(finding, track)}` : '';
  const line = [
    badge(highest),
    `<span class="risk" title="risk score">${strongest.riskScore}</span>`,
    `<span class="who">${text(strongest.userId)}</span>`,
    `<span class="what">${top === undefined ? '' : text(top.hypothesis)}</span>`,
    `<span class="when">${time(first.detectedAt)}</span>`,
    `<span class="truth">${verdict(label)}</span>`,
  ];
  return `<details class="finding" data-severity="${highest}" data-text="${text(`${strongest.userId} ${strongest.sessionId} ${strongest.tenantId} ${top?.hypothesis ?? ''} ${label?.kind ?? ''}`.toLowerCase())}">
<summary>${line.join('')}</summary>
<div class="inside"><h3>${text(strongest.userId)}, ${highest}, risk ${strongest.riskScore}</h3>${facts(finding)}${evidence(finding)}${charts}</div></details>`;
}

export function findingsSection(data: ReportData, addChart: AddChart): string {
  const all = [...data.findingsById.entries()].toSorted(
    ([idA, a], [idB, b]) => RANK[b.highest] - RANK[a.highest] || b.strongest.riskScore - a.strongest.riskScore || a.first.detectedAt - b.first.detectedAt || (idA < idB ? -1 : 1),
  );
  const counts = severityCounts(data);
  const boxes = SEVERITIES.toReversed().map((severity) => `<label><input type="checkbox" name="severity" value="${severity}" checked> ${badge(severity)} ${number(counts[severity])}</label>`);
  const filter = `<form id="filter" role="search" aria-label="Filter the findings"><fieldset><legend>Severity</legend>${boxes.join('')}</fieldset>
<label class="find">Person, session, hypothesis or kind <input type="search" name="text" autocomplete="off"></label><output id="shown" aria-live="polite"></output></form>`;
  const items = all.map(([, finding], i) => findingItem(data, finding, i < DRAWN_MAX, addChart)).join('\n');
  const more = data.leftOut === 0 ? '' : `<p class="soft">${number(data.leftOut)} findings that opened later are in suspicious-sessions.ndjson.</p>`;
  const note = '<p class="soft">Severity is the highest of a finding’s revisions; risk and evidence are those of its strongest one. Enter or a click opens a finding.</p>';
  const body = all.length === 0 ? '<p>No finding.</p>' : `${note}${filter}<div id="findings-list">${items}</div>${more}`;
  return section('findings', 'Findings', body + missed(data, addChart));
}

/** Labelled remote sessions that nothing was found about. */
function missed(data: ReportData, addChart: AddChart): string {
  const found = new Set([...data.findingsById.values()].map(({ first }) => sessionKey(first)));
  const all = [...data.labels].filter(([key, { remote }]) => remote && !found.has(key) && (data.tracks.get(key)?.points.size ?? 0) > 1).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (all.length === 0) return '';
  const items = all.slice(0, MISSED_MAX).map(
    ([key, label]) => `<details class="finding missed"><summary><span class="severity">MISSED</span><span class="who">${text(label.sessionId)}</span><span class="what">${text(label.kind)}</span></summary>
<div class="inside">${addChart(latencyChart(data.tracks.get(key)!, null, label), true)}</div></details>`,
  );
  const more = all.length > MISSED_MAX ? `<p class="soft">${number(all.length - MISSED_MAX)} more are not drawn.</p>` : '';
  return `<h3 id="missed">Remote sessions that were missed</h3>${items.join('\n')}${more}`;
}
