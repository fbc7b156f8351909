/** What the lanes found, in its fixed order, as the files of a replay. */
import type { SuspiciousSession } from '#schemas/records.ts';
import { HashSet64 } from '../../services/ingest/dedupe/hash-set.ts';
import { hashEventId } from '../../services/ingest/dedupe/event-hash.ts';
import { Evaluator, type Evaluation } from './evaluation.ts';
import type { SessionLabel } from './labels.ts';
import type { Answer, FoundLine, HostResult, LetterLine } from './host-contract.ts';
import type { ReplayOutputs } from './output-files.ts';
import { ReportData } from './report/data.ts';
import { renderReport } from './report/page.ts';
import { SortedSpool } from './sorted-spool.ts';
import { summaryOf, type Summary, type SummaryParts } from './summary.ts';

const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function byDecision(a: FoundLine, b: FoundLine): number {
  return (
    a.detectedAt - b.detectedAt || text(a.tenantId, b.tenantId) || text(a.sessionId, b.sessionId) || text(a.findingId, b.findingId) || a.revision - b.revision
  );
}

export class Results {
  readonly found: SortedSpool<FoundLine>;
  readonly letters: SortedSpool<LetterLine>;

  /** @param directory of the sorted runs */
  constructor(directory: string) {
    this.found = new SortedSpool({ directory, name: 'found', compare: byDecision, characters: ({ line, siem }) => line.length + siem.length });
    this.letters = new SortedSpool({ directory, name: 'letters', compare: (a, b) => a.serial - b.serial, characters: ({ line }) => line.length });
  }

  take({ found, letters }: Answer): void {
    for (const line of found) this.found.add(line);
    for (const line of letters) this.letters.add(line);
  }

  /** Writes everything but what needs labels, unless there are some. Answers without having published. */
  async write(
    outputs: ReplayOutputs,
    hosts: readonly HostResult[],
    labels: ReadonlyMap<string, SessionLabel> | null,
    parts: Omit<SummaryParts, 'hosts' | 'findings'>,
  ): Promise<{ summary: Summary; evaluation: Evaluation | null }> {
    for (const name of ['suspicious-sessions.ndjson', 'siem-findings.ndjson', 'dead-letter.ndjson'] as const) outputs.write(name, '');
    const evaluator = labels === null ? null : new Evaluator(labels);
    const report = labels === null ? null : new ReportData(labels);
    for (const { evaluation, report: part } of hosts) {
      if (evaluation !== null) evaluator?.absorb(evaluation);
      if (part !== null) report?.absorb(part);
    }
    const findings = await this.#writeFindings(outputs, labels !== null, (finding) => evaluator?.findings([finding]));
    for await (const { line } of this.letters.sorted()) outputs.write('dead-letter.ndjson', line);
    const summary = summaryOf({ ...parts, hosts, findings });
    outputs.write('summary.json', `${JSON.stringify(summary, null, 2)}\n`);
    const evaluation = evaluator?.result() ?? null;
    if (evaluation !== null && report !== null) {
      outputs.write('evaluation.json', `${JSON.stringify(evaluation, null, 2)}\n`);
      outputs.write('report.html', renderReport({ data: report, summary, evaluation }));
    }
    return { summary, evaluation };
  }

  /** Answers how many findings there are. */
  async #writeFindings(outputs: ReplayOutputs, told: boolean, onFinding: (finding: SuspiciousSession) => void): Promise<number> {
    const distinct = new HashSet64();
    const hash = { high: 0, low: 0 };
    for await (const { tenantId, findingId, line, siem } of this.found.sorted()) {
      hashEventId(tenantId, findingId, hash);
      distinct.add(hash.high, hash.low);
      outputs.write('suspicious-sessions.ndjson', line);
      outputs.write('siem-findings.ndjson', siem);
      if (told) onFinding({ type: 'SuspiciousSession', ...(JSON.parse(line) as object) } as SuspiciousSession);
    }
    return distinct.size;
  }
}
