/** `farhand replay --ablation`: detection once more without each signal; ablation.json and the report. */
import { loadEmbeddedConfig } from '../embedded/pipeline.ts';
import { renderReport } from '../replay/report/page.ts';
import type { Ablation, AblationRow } from '../replay/report/sections.ts';
import { SIGNAL_NAMES } from '../../services/detect/model/reading.ts';
import type { PointAnswer } from './point-run.ts';
import { findingsOf, summaryOf, Workshop, type Job, type TuningOptions } from './workshop.ts';

export interface AblationResult {
  readonly ablation: Ablation;
  readonly seconds: number;
}

const rowOf = (answer: PointAnswer): Omit<AblationRow, 'signal'> => ({
  findings: findingsOf(answer),
  findingsMedium: findingsOf(answer) - answer.findings.LOW,
  evaluation: answer.evaluation,
});

export async function runAblation(configFile: string | null, options: TuningOptions): Promise<AblationResult> {
  const config = loadEmbeddedConfig(configFile);
  const { signalsOff } = config.detect;
  const signals = SIGNAL_NAMES.filter((name) => !signalsOff.includes(name));
  return Workshop.use(options, async (workshop) => {
    const prepared = await workshop.prepare(config);
    await workshop.open(config);
    workshop.expect(signals.length + 1, prepared.events);
    const plain = { wantFindings: false, wantReport: false };
    const jobs: Job[] = signals.map((name) => ({ ...plain, config: { ...config, detect: { ...config.detect, signalsOff: [...signalsOff, name] } } }));
    const [all, ...without] = (await workshop.run([{ ...plain, config, wantReport: true }, ...jobs])) as [PointAnswer, ...PointAnswer[]];
    const ablation: Ablation = { all: rowOf(all), rows: without.map((answer, i) => ({ signal: signals[i]!, ...rowOf(answer) })) };
    workshop.outputs.write('ablation.json', `${JSON.stringify(ablation, (key, value: unknown) => (key === 'definitions' || key === 'curve' ? undefined : value), 2)}\n`);
    workshop.outputs.write('report.html', renderReport({ data: workshop.reportData(all), summary: summaryOf(prepared, all), evaluation: all.evaluation, ablation }));
    return { ablation, seconds: workshop.seconds };
  });
}
