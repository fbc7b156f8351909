/**
 * Makes digests. A keystroke record is observed as detection does it, in an empty window, and what that counted is written; of a
 * connection a sighting is made.
 */
import type { EnrichedConnection, EnrichedKeystrokes } from '#schemas/records.ts';
import { sightingOf, type SightingFacts } from '../model/sighting.ts';
import { ByteWriter } from './bytes.ts';
import { latencyFigures } from './digest.ts';
import { observe } from './observe.ts';
import { newWindow, releaseWindow } from './person.ts';
import { writeCoupling } from './rhythm-codec.ts';
import { GAPS, LATENCIES, TWO_CLOCK_GAPS, tally } from './tally.ts';

const writer = new ByteWriter();

/** To be kept as long as one likes. */
export function digestOf(record: EnrichedKeystrokes): Uint8Array {
  const window = newWindow(0);
  observe(window, record);
  writer.count(record.event.registrationLatencyMs.length);
  const figures = latencyFigures(record);
  tally.takeOut(window);
  if (figures !== null) {
    writer.double(figures.lowMs);
    writer.double(figures.medianMs);
    writer.sparse(tally.sketch(tally.has(LATENCIES) ? LATENCIES : tally.has(GAPS) ? GAPS : TWO_CLOCK_GAPS));
  }
  const { rhythm } = tally;
  writer.flag(rhythm !== null);
  if (rhythm !== null) {
    writer.sparse(rhythm.counts);
    writer.integers(rhythm.phases);
    writeCoupling(writer, rhythm.coupling);
  }
  releaseWindow(window);
  return writer.finish();
}

/** What detection takes up of a connection beside its event's own figures. */
export function factsOf(record: EnrichedConnection): SightingFacts {
  const { at: _at, eventId: _eventId, vantageId: _vantageId, sourceIp: _sourceIp, databases: _databases, ...facts } = sightingOf(record);
  return facts;
}
