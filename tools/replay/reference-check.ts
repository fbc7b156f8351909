/** Ranges of reference records in a history; what fails is rejected like telemetry that fails. */
import type { DeadLetterReason, DeclaredPlace, ReferenceRecord } from '#schemas/records.ts';

const IDENTIFIER_LENGTH_MAX = 256;

export interface ReferenceProblem {
  readonly reason: DeadLetterReason;
  readonly detail: string;
}

function place(name: string, { latitude, longitude }: { latitude: number | null; longitude: number | null }): ReferenceProblem | null {
  const fits = (value: number | null, most: number) => value === null || (value >= -most && value <= most); // NaN does not
  if (fits(latitude, 90) && fits(longitude, 180)) return null;
  return { reason: 'OUT_OF_RANGE', detail: `${name}: latitude is allowed from -90 to 90 degrees, longitude from -180 to 180` };
}

function identifiers(fields: Readonly<Record<string, string | null>>): ReferenceProblem | null {
  for (const [name, value] of Object.entries(fields)) {
    if (value !== null && (value.length < 1 || value.length > IDENTIFIER_LENGTH_MAX)) {
      return { reason: 'IDENTIFIER_LENGTH', detail: `${name} has ${value.length} characters: allowed are 1 to ${IDENTIFIER_LENGTH_MAX}` };
    }
  }
  return null;
}

function declared(name: string, value: DeclaredPlace | null): ReferenceProblem | null {
  if (value === null) return null;
  if (!/^[A-Z]{2}$/.test(value.country)) return { reason: 'OUT_OF_RANGE', detail: `${name}.country: allowed is an ISO 3166-1 alpha-2 code` };
  return place(name, value);
}

/** Null where the record may be used. */
export function checkReference(record: ReferenceRecord): ReferenceProblem | null {
  switch (record.type) {
    case 'DeviceAssignment': {
      const { tenantId, deviceId, userId } = record;
      return identifiers({ tenantId, deviceId, userId }) ?? declared('declared', record.declared) ?? declared('shippedTo', record.shippedTo);
    }
    case 'Vantage':
      return identifiers({ vantageId: record.vantageId }) ?? place('Vantage', record);
    case 'NetworkPolicy':
      return identifiers({ tenantId: record.tenantId }) ?? place('NetworkPolicy', record);
    case 'Feedback': {
      const { tenantId, sessionId, findingId } = record;
      return identifiers({ tenantId, sessionId, findingId });
    }
  }
}
