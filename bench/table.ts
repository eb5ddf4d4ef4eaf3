import type { Measured } from './measure.ts';

const head = ['', 'unit', 'runs', 'min', 'median', 'p99', 'min', 'median', 'p99', 'ratio', 'target', ''];
const groups = ['', '', '', 'ours', '', '', 'baseline', '', '', '', '', ''];

/** The figures as a table for a terminal. */
export function formatTable(rows: readonly Measured[]): string {
  const lines = [groups, head, ...rows.map(cells)];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cells({ name, unit, runs, ours, baseline, ratio, target, limit, met }: Measured): string[] {
  const figures = [ours.min, ours.median, ours.p99, baseline.min, baseline.median, baseline.p99].map(short);
  const wanted = [
    ...(target === null ? [] : [`≤ ${short(target)}`]),
    ...(limit === null ? [] : [`≤ ${short(limit)} ${unit}`]),
  ].join(', ');
  const verdict = met === null ? '' : met ? 'met' : 'missed';
  return [name, unit, String(runs), ...figures, ratio.toFixed(2), wanted, verdict];
}

/** Three digits that count. */
function short(figure: number): string {
  return figure >= 100 ? figure.toFixed(0) : figure >= 10 ? figure.toFixed(1) : figure.toFixed(2);
}
