/** The alert rules with all times divided, so that a fault of minutes can be shown in seconds. */
import { parse, stringify } from 'yaml';

interface Rules {
  groups: { rules: { alert?: string; expr: string; for?: string }[] }[];
}

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;
/** A range must hold several scrapes of a second each. */
const RANGE_SECONDS_MIN = 10;

const seconds = (text: string): number => Number(text.slice(0, -1)) * SECONDS[text.at(-1) as keyof typeof SECONDS];

/** Where a threshold is itself a time or a count of minutes: what stands in the rule, and what takes its place. */
export const THRESHOLDS: Readonly<Record<string, readonly [string, string]>> = {
  FarhandLag: ['> 120', '> 2'],
  FarhandLagGrows: ['> 50000', '> 500'],
  FarhandFindingsLate: ['> 60', '> 1'],
  FarhandEventLoopSlow: ['> 1', '> 0.1'],
  FarhandTaskRestarts: ['> 5', '> 0'],
  FarhandClosedEarly: ['> 100', '> 5'],
};

/** `divisor`: 60 makes seconds of minutes. Throws where a threshold of THRESHOLDS is not in its rule. */
export function scaledRules(text: string, divisor: number): string {
  const rules = parse(text) as Rules;
  for (const rule of rules.groups.flatMap((group) => group.rules)) {
    rule.expr = rule.expr
      .replace(/\[(\d+[smhd])\]/g, (_, range: string) => `[${Math.max(RANGE_SECONDS_MIN, Math.round(seconds(range) / divisor))}s]`)
      .replace(/offset (\d+[smhd])/g, (_, offset: string) => `offset ${Math.max(1, Math.round(seconds(offset) / divisor))}s`);
    if (rule.for !== undefined) rule.for = `${Math.max(1, Math.round(seconds(rule.for) / divisor))}s`;
    const [from, to] = THRESHOLDS[rule.alert ?? ''] ?? ['', ''];
    if (from === '') continue;
    if (!rule.expr.includes(from)) throw new Error(`${rule.alert} has no threshold '${from}'`);
    rule.expr = rule.expr.replace(from, to);
  }
  return stringify(rules, { lineWidth: 0 });
}
