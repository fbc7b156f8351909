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
  /** The source and the path behind it, as `readPath` reads them: only a finding asks for more than the two numbers. */
  readonly path: Uint8Array;
  /** EWMA of the least round trips; NaN while none is known. */
  readonly rttMs: number;
  readonly distanceKm: number;
}

const writer = new ByteWriter();
const written = new WeakMap<AddressFacts, Uint8Array>();

/** The facts are shared by all who ask for an address, and so is what is made of them. */
function bytesOf(facts: AddressFacts): Uint8Array {
  let bytes = written.get(facts);
  if (bytes === undefined) {
    const { ip, country, city, latitude, longitude, asn, organisation } = facts;
    writer.text(ip);
    writer.text(country ?? '');
    writer.text(city ?? '');
    writer.double(latitude ?? NaN);
    writer.double(longitude ?? NaN);
    writer.count(asn ?? 0);
    writer.text(organisation ?? '');
    written.set(facts, (bytes = writer.finish().slice()));
  }
  return bytes;
}

/** The bytes lie in a slab with others: who keeps them copies them. */
export function writePath(source: AddressFacts, path: readonly AddressFacts[]): Uint8Array {
  const pieces = [source, ...path].map(bytesOf);
  for (const bytes of pieces) writer.raw(bytes);
  return writer.finish();
}

const readPlace = (reader: ByteReader): Place => ({ ip: reader.text(), country: reader.text(), city: reader.text(), latitude: reader.double(), longitude: reader.double(), asn: reader.count(), organisation: reader.text() });

export function readPath(bytes: Uint8Array): { source: Place; path: Place[] } {
  const reader = new ByteReader(bytes);
  const source = readPlace(reader);
  const path: Place[] = [];
  while (!reader.atEnd) path.push(readPlace(reader));
  return { source, path };
}

export const distanceOf = ({ latitude, longitude }: AddressFacts): number => greatCircleKm(latitude ?? NaN, longitude ?? NaN, VANTAGE.latitude, VANTAGE.longitude);

/** Bytes before the path: two numbers. */
const NUMBERS_BYTES = 16;

export function writeConnected(into: ByteWriter, { path, rttMs, distanceKm }: Connected): void {
  into.double(rttMs);
  into.double(distanceKm);
  into.raw(path);
}

/** Of bytes that hold nothing else from `start` on. */
export function readConnected(bytes: Uint8Array, start = 0): Connected {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start);
  return { rttMs: view.getFloat64(0), distanceKm: view.getFloat64(8), path: bytes.subarray(start + NUMBERS_BYTES) };
}

export const connectedCodec: StateCodec<Connected> = {
  encode(connected) {
    writeConnected(writer, connected);
    return writer.finish();
  },
  decode: (bytes) => readConnected(bytes.slice()),
};
