/** What a session's last connection says in the reference job, and its form in the state. */
import type { StateCodec } from '#lib/state/state.ts';
import { greatCircleKm } from '#lib/kernel/geodesy.ts';
import type { AddressFacts } from '#schemas/records.ts';
import { ByteReader, ByteWriter } from '../../services/detect/steps/bytes.ts';

/** The reference job's one vantage. */
const VANTAGE = { latitude: 50.11, longitude: 8.68 };

export interface Place {
  readonly ip: string;
  readonly country: string;
  readonly city: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly asn: number;
  readonly organisation: string;
}

export interface Connected {
  readonly source: Place;
  readonly path: readonly Place[];
  /** EWMA of the least round trips; NaN while none is known. */
  readonly rttMs: number;
  readonly distanceKm: number;
}

const places = new WeakMap<AddressFacts, Place>();

/** The facts are shared by all who ask for an address, and so is what is made of them. */
export function placeOf(facts: AddressFacts): Place {
  let place = places.get(facts);
  if (place === undefined) {
    const { ip, country, city, latitude, longitude, asn, organisation } = facts;
    place = { ip, country: country ?? '', city: city ?? '', latitude: latitude ?? NaN, longitude: longitude ?? NaN, asn: asn ?? 0, organisation: organisation ?? '' };
    places.set(facts, place);
  }
  return place;
}

export const distanceOf = ({ latitude, longitude }: Place): number => greatCircleKm(latitude, longitude, VANTAGE.latitude, VANTAGE.longitude);

function writePlace(writer: ByteWriter, { ip, country, city, latitude, longitude, asn, organisation }: Place): void {
  writer.text(ip);
  writer.text(country);
  writer.text(city);
  writer.double(latitude);
  writer.double(longitude);
  writer.count(asn);
  writer.text(organisation);
}

function readPlace(reader: ByteReader): Place {
  return { ip: reader.text(), country: reader.text(), city: reader.text(), latitude: reader.double(), longitude: reader.double(), asn: reader.count(), organisation: reader.text() };
}

export function writeConnected(writer: ByteWriter, { source, path, rttMs, distanceKm }: Connected): void {
  writer.double(rttMs);
  writer.double(distanceKm);
  writePlace(writer, source);
  writer.list(path, (place) => writePlace(writer, place));
}

export function readConnected(reader: ByteReader): Connected {
  const [rttMs, distanceKm] = [reader.double(), reader.double()];
  return { rttMs, distanceKm, source: readPlace(reader), path: reader.list(() => readPlace(reader)) };
}

const writer = new ByteWriter();

export const connectedCodec: StateCodec<Connected> = {
  encode(connected) {
    writeConnected(writer, connected);
    return writer.finish();
  },
  decode: (bytes) => readConnected(new ByteReader(bytes)),
};
