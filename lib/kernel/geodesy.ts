/** Great-circle distances and what light in fibre allows over them. */

export const EARTH_RADIUS_KM = 6371.0088; // IUGG mean radius R1
const RADIANS = Math.PI / 180;

/**
 * Kilometres of one-way distance per millisecond of round trip at ⅔ of c: 299,792.458 km/s × ⅔ / 2 / 1000.
 * Source: Katz-Bassett et al., IMC 2006 (⅔c in fibre).
 */
export const KM_PER_RTT_MS = (299_792.458 * (2 / 3)) / 2 / 1000; // 99.93

/** Distances that were asked for last, each at a place by its coordinates: the same few come with every minute of everybody. */
const KEPT = 1024;
const NUMBERS = 5;
const kept = new Float64Array(KEPT * NUMBERS).fill(NaN);

/** Great-circle distance in km (haversine); inputs in degrees. */
export function greatCircleKm(latitude1: number, longitude1: number, latitude2: number, longitude2: number): number {
  // Odd factors: places whose coordinates differ by little, or that change sides, lie apart.
  const at = ((latitude1 * 7919 + longitude1 * 10_007 + latitude2 * 12_553 + longitude2 * 15_013) & (KEPT - 1)) * NUMBERS;
  if (kept[at] !== latitude1 || kept[at + 1] !== longitude1 || kept[at + 2] !== latitude2 || kept[at + 3] !== longitude2) {
    kept[at] = latitude1;
    kept[at + 1] = longitude1;
    kept[at + 2] = latitude2;
    kept[at + 3] = longitude2;
    kept[at + 4] = haversineKm(latitude1, longitude1, latitude2, longitude2);
  }
  return kept[at + 4]!;
}

function haversineKm(latitude1: number, longitude1: number, latitude2: number, longitude2: number): number {
  const sinLat = Math.sin(((latitude2 - latitude1) * RADIANS) / 2);
  const sinLon = Math.sin(((longitude2 - longitude1) * RADIANS) / 2);
  const a = sinLat * sinLat + Math.cos(latitude1 * RADIANS) * Math.cos(latitude2 * RADIANS) * sinLon * sinLon;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(a)));
}

/** Least round trip that ⅔c allows over a distance: km → ms. */
export function floorRttMs(distanceKm: number): number {
  return distanceKm / KM_PER_RTT_MS;
}
