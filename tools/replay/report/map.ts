/**
 * A map of one finding as SVG: the world's outline, where the person is declared, where the source address is, and within
 * which distance of it the operator sits. Equirectangular, one unit a degree. The outline is Natural Earth's 1:110m land
 * (public domain), by way of world-atlas.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { MultiPolygon, Polygon } from 'geojson';
import { feature } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import { EARTH_RADIUS_KM } from '#lib/kernel/geodesy.ts';
import { escapeHtml } from './html.ts';

export interface GeoPoint {
  readonly latitude: number;
  readonly longitude: number;
}

/** The poles are of no use; Antarctica goes. */
const TOP = 80;
const BOTTOM = -58;
const RING_STEPS = 120;
const RADIANS = Math.PI / 180;

const x = (longitude: number): number => Math.round((longitude + 180) * 10) / 10;
const y = (latitude: number): number => Math.round((TOP - latitude) * 10) / 10;

let outline: string | null = null;

/** The land as one SVG path with a tenth of a degree; about 40 kB. */
export function worldPath(): string {
  if (outline !== null) return outline;
  const file = createRequire(import.meta.url).resolve('world-atlas/land-110m.json');
  const topology = JSON.parse(readFileSync(file, 'utf8')) as Topology<{ land: GeometryCollection }>;
  const polygons = feature(topology, topology.objects.land).features.flatMap(({ geometry }) => polygonsOf(geometry as Polygon | MultiPolygon));
  outline = polygons
    .filter(([ring]) => ring!.some(([, latitude]) => latitude! > BOTTOM))
    .flatMap((rings) => rings.flatMap((ring) => ringPaths(ring)))
    .join('');
  return outline;
}

/** A ring that crosses the 180th meridian goes on beyond the map; what is there is drawn again on the other side. */
function ringPaths(ring: readonly (readonly number[])[]): string[] {
  let turns = 0;
  const unwound = ring.map(([longitude, latitude], i) => {
    const before = ring[i - 1]?.[0] ?? longitude!;
    if (longitude! - before > 180) turns--;
    else if (before - longitude! > 180) turns++;
    return [longitude! + 360 * turns, Math.max(BOTTOM, latitude!)] as const;
  });
  const longitudes = unwound.map(([longitude]) => longitude);
  const shifts = [0, ...(Math.max(...longitudes) > 180 ? [-360] : []), ...(Math.min(...longitudes) < -180 ? [360] : [])];
  return shifts.map((shift) => pathOf(unwound.map(([longitude, latitude]) => [x(longitude + shift), y(latitude)]), true));
}

const polygonsOf = (geometry: Polygon | MultiPolygon) => (geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates);

/** `-0.5` as `-.5`. */
const short = (value: number): string => String(value).replace(/^(-?)0\./, '$1.');
const tenth = (value: number): number => Math.round(value * 10) / 10;

/** Relative steps, which are shorter to write; points that do not move are left out. */
function pathOf(points: readonly (readonly [number, number] | number[])[], closed: boolean): string {
  let text = '';
  let [atX, atY] = [0, 0];
  points.forEach((point, i) => {
    const [toX, toY] = [point[0]!, point[1]!];
    const [dx, dy] = [Math.round((toX - atX) * 10) / 10, Math.round((toY - atY) * 10) / 10];
    if (i === 0) text += `M${toX} ${toY}`;
    else if (dx === 0 && dy === 0) return;
    else text += `l${short(dx)}${dy < 0 ? '' : ' '}${short(dy)}`;
    [atX, atY] = [toX, toY];
  });
  return closed ? `${text}z` : text;
}

/** The points at a great-circle distance from a place, as lines that are cut where they leave the map at its sides. */
export function ringOf({ latitude, longitude }: GeoPoint, km: number): GeoPoint[][] {
  const angle = Math.min(Math.PI, km / EARTH_RADIUS_KM);
  const phi = latitude * RADIANS;
  const lines: GeoPoint[][] = [];
  let line: GeoPoint[] = [];
  for (let step = 0; step <= RING_STEPS; step++) {
    const bearing = (2 * Math.PI * step) / RING_STEPS;
    const sine = Math.min(1, Math.max(-1, Math.sin(phi) * Math.cos(angle) + Math.cos(phi) * Math.sin(angle) * Math.cos(bearing)));
    const turn = Math.atan2(Math.sin(bearing) * Math.sin(angle) * Math.cos(phi), Math.cos(angle) - Math.sin(phi) * sine);
    const point = { latitude: Math.asin(sine) / RADIANS, longitude: ((longitude + turn / RADIANS + 540) % 360) - 180 };
    const last = line.at(-1);
    if (last !== undefined && Math.abs(last.longitude - point.longitude) > 180) {
      lines.push(line);
      line = [];
    }
    line.push(point);
  }
  lines.push(line);
  return lines.filter((each) => each.length > 1);
}

export interface MapInput {
  readonly declared: (GeoPoint & { readonly name: string }) | null;
  readonly source: (GeoPoint & { readonly name: string }) | null;
  readonly vantage: (GeoPoint & { readonly name: string }) | null;
  /** Of the operator from the source address, km. */
  readonly distance: { readonly lower: number; readonly likely: number; readonly upper: number } | null;
}

/** Null where there is nothing to show. */
export function mapSvg({ declared, source, vantage, distance }: MapInput): string | null {
  if (declared === null && source === null) return null;
  const ring = (km: number, name: string) => (source === null ? '' : ringOf(source, km).map((line) => `<path class="ring ${name}" d="${pathOf(line.map((point) => [x(point.longitude), y(point.latitude)]), false)}"/>`).join(''));
  const rings = distance === null ? '' : `${ring(distance.upper, 'outer')}${ring(distance.lower, 'outer')}${ring(distance.likely, 'likely')}`;
  const line = declared === null || source === null ? '' : `<path class="link" d="M${x(declared.longitude)} ${y(declared.latitude)}L${x(source.longitude)} ${y(source.latitude)}"/>`;
  const marks = [
    vantage === null ? '' : `<path class="vantage" d="M${x(vantage.longitude)} ${tenth(y(vantage.latitude) - 3)}l3 5h-6z"/>`,
    declared === null ? '' : `<rect class="declared" x="${tenth(x(declared.longitude) - 2.6)}" y="${tenth(y(declared.latitude) - 2.6)}" width="5.2" height="5.2"/>`,
    source === null ? '' : `<circle class="source" cx="${x(source.longitude)}" cy="${y(source.latitude)}" r="2.8"/>`,
  ];
  const km = (value: number) => `${Math.round(value).toLocaleString('en')} km`;
  const words = [
    declared === null ? null : `declared at ${declared.name}`,
    source === null ? null : `source address at ${source.name}`,
    vantage === null ? null : `seen from ${vantage.name}`,
    distance === null ? null : `operator likely ${km(distance.likely)} from the source address, between ${km(distance.lower)} and ${km(distance.upper)}`,
  ].filter((word) => word !== null);
  return `<figure class="map"><svg viewBox="0 0 360 ${TOP - BOTTOM}" role="img" aria-label="${escapeHtml(`Map: ${words.join('; ')}`)}"><use href="#world"/>${rings}${line}${marks.join('')}</svg>
<figcaption>${legend(declared, source, vantage, distance)}</figcaption></figure>`;
}

function legend(declared: MapInput['declared'], source: MapInput['source'], vantage: MapInput['vantage'], distance: MapInput['distance']): string {
  const entry = (mark: string, text: string) => `<span class="key"><svg viewBox="0 0 12 12" aria-hidden="true">${mark}</svg> ${escapeHtml(text)}</span>`;
  return [
    declared === null ? '' : entry('<rect class="declared" x="2" y="2" width="8" height="8"/>', `declared: ${declared.name}`),
    source === null ? '' : entry('<circle class="source" cx="6" cy="6" r="4.5"/>', `source address: ${source.name}`),
    vantage === null ? '' : entry('<path class="vantage" d="M6 1l5 10h-10z"/>', `vantage: ${vantage.name}`),
    distance === null ? '' : entry('<circle class="ring likely" cx="6" cy="6" r="4.5"/>', 'operator: likely distance, with its bounds'),
  ].join('');
}
