/** Local time of IANA zones, daylight saving included. */

const formatters = new Map<string, Intl.DateTimeFormat>();

/** Offset of the zone at a moment: local wall-clock time minus UTC, ms. */
function zoneOffsetMs(timeZone: string, at: number): number {
  let formatter = formatters.get(timeZone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formatters.set(timeZone, formatter);
  }
  const part: Record<string, number> = {};
  for (const { type, value } of formatter.formatToParts(at)) part[type] = Number(value);
  const local = Date.UTC(part.year!, part.month! - 1, part.day!, part.hour!, part.minute!, part.second!);
  return local - Math.floor(at / 1000) * 1000;
}

/** The moment at which the zone's wall clock shows `hours` after midnight of the day that starts at `dayUtc`. */
export function localTime(timeZone: string, dayUtc: number, hours: number): number {
  const wall = dayUtc + hours * 3_600_000;
  return wall - zoneOffsetMs(timeZone, wall - zoneOffsetMs(timeZone, wall));
}
