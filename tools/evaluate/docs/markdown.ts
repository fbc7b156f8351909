/** Tables as Markdown. */
import type { Rows } from '../table.ts';

/** First row: the heads. First column to the left, the others to the right. */
export function markdown(rows: Rows): string {
  const [head, ...body] = rows;
  const cells = (row: readonly string[]): string => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [cells(head!), `| --- |${' ---: |'.repeat(head!.length - 1)}`, ...body.map(cells)].join('\n');
}
