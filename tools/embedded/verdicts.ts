/** What a run found, one entry per finding, and how it compares with the truth where the truth is known. */
import type { Severity, SuspiciousSession } from '#schemas/records.ts';

/** Findings that are kept for the table; the rest is counted. */
const FINDINGS_MAX = 10_000;

export const SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const satisfies Severity[];

export interface Found {
  latest: SuspiciousSession;
  /** The revision that is shown: the strongest one, because later ones may only say that it expired. */
  strongest: SuspiciousSession;
  readonly openedAt: number;
}

export interface Truth {
  readonly kind: string;
  readonly remote: boolean;
}

export interface Score {
  /** Workstations that are driven by somebody else, and how many of them have a finding. */
  readonly piloted: number;
  readonly pilotedFound: number;
  readonly missed: readonly { readonly deviceId: string; readonly kind: string }[];
  readonly honestSessions: number;
  /** Honest sessions with a finding, by its highest severity. */
  readonly accused: Readonly<Record<Severity, number>>;
}

function rankOf(severity: Severity): number {
  return SEVERITIES.length - SEVERITIES.indexOf(severity);
}

export class Verdicts {
  readonly #found = new Map<string, Found>();
  leftOut = 0;

  add(findings: readonly SuspiciousSession[]): void {
    for (const finding of findings) {
      const key = `${finding.tenantId}|${finding.findingId}`;
      const known = this.#found.get(key);
      if (known !== undefined) {
        known.latest = finding;
        const before = known.strongest;
        const stronger = rankOf(finding.severity) - rankOf(before.severity) || finding.evidenceStrength - before.evidenceStrength;
        if (stronger > 0) known.strongest = finding;
      } else if (this.#found.size < FINDINGS_MAX) {
        this.#found.set(key, { latest: finding, strongest: finding, openedAt: finding.detectedAt });
      } else if (finding.revision === 1) {
        this.leftOut++;
      }
    }
  }

  get count(): number {
    return this.#found.size + this.leftOut;
  }

  /** The gravest first. */
  ranked(): Found[] {
    const order = (a: Found, b: Found) =>
      rankOf(b.strongest.severity) - rankOf(a.strongest.severity) ||
      b.strongest.evidenceStrength - a.strongest.evidenceStrength ||
      (a.latest.findingId < b.latest.findingId ? -1 : 1);
    return [...this.#found.values()].toSorted(order);
  }

  score(
    workstations: readonly { tenantId: string; deviceId: string; kind: string; remote: boolean }[],
    sessions: readonly { tenantId: string; sessionId: string; remote: boolean }[],
  ): Score {
    const devices = new Set<string>();
    const highest = new Map<string, Severity>();
    for (const { strongest } of this.#found.values()) {
      devices.add(`${strongest.tenantId}|${strongest.deviceId}`);
      const session = `${strongest.tenantId}|${strongest.sessionId}`;
      const before = highest.get(session);
      if (before === undefined || rankOf(strongest.severity) > rankOf(before)) highest.set(session, strongest.severity);
    }
    const piloted = workstations.filter(({ remote }) => remote);
    const missed = piloted.filter(({ tenantId, deviceId }) => !devices.has(`${tenantId}|${deviceId}`));
    const honest = sessions.filter(({ remote }) => !remote);
    const accused: Record<Severity, number> = { LOW: 0, MEDIUM: 0, HIGH: 0, CRITICAL: 0 };
    for (const { tenantId, sessionId } of honest) {
      const severity = highest.get(`${tenantId}|${sessionId}`);
      if (severity !== undefined) accused[severity]++;
    }
    return {
      piloted: piloted.length,
      pilotedFound: piloted.length - missed.length,
      missed: missed.map(({ deviceId, kind }) => ({ deviceId, kind })),
      honestSessions: honest.length,
      accused,
    };
  }
}
