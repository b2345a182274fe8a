/** docs/fault-matrix.md, made from what a run of the matrix noted. */
import { cellName, CELLS, type FaultName, FAULTS } from './cells.ts';
import { ODD_CELLS } from './odd-cells.ts';
import type { Result } from './results.ts';
import { type Hop, STEPS } from './steps.ts';

const HOPS: Readonly<Record<Hop, string>> = {
  plan: 'Planning',
  read: 'Source to Kafka',
  land: 'Kafka to lake',
  load: 'Lake to warehouse',
  orchestrate: 'Temporal: planning, scheduling, continuing as new',
};

export function matrixPage(results: readonly Result[]): string {
  const known = new Map(results.map((result) => [result.name, result]));
  const good = results.filter(({ ok }) => ok).length;
  const slowest = results
    .filter(({ ok }) => ok)
    .toSorted((a, b) => (b.recoverySeconds ?? 0) - (a.recoverySeconds ?? 0));
  const seeds = [...new Set(results.map(({ seed }) => seed))].join(', ');
  return `# The fault matrix

Written by \`npm run test:faults\` (seed ${seeds}): ${results.length} of ${CELLS.length + ODD_CELLS.length} cells run,
${good} well. Each cell is a run of its own on real services and real worker
processes: 1,200 rows in 12 chunks, 3 lanes and 3 partitions, cuts of 100 records. The run is stopped at the step, from outside, by a proxy
between the worker and the service that holds the step's request (_before_) or its answer (_after_, when the service has carried it out).
Then comes the fault, then everything is well again, and the run must end by itself. At the end source, topic
(\`read_committed\`), lake (by manifest, and by listing the bucket) and warehouse are read and compared row by row, besides \`verify\`. Where
something is taken away for good (a topic, a table) the run must fail by name instead, and nothing may be there twice.

A cell says how many seconds passed from the moment that all was well again until a worker had passed the step once more, or the run was over.
A dead worker is noticed after 15 s without a heartbeat; a failed call is tried again after 0.5 s, then 1, 2, 4 … 30 s. Figures are from a
shared machine of two cores, several cells at a time, and hold the start of a new worker where one died. A dash: not run yet.

${faultTable()}
${(Object.keys(HOPS) as Hop[]).map((hop) => hopTable(hop, known)).join('\n')}
## Other faults

| fault | what happened | seconds | |
| --- | --- | --- | --- |
${ODD_CELLS.map(({ name }) => oddRow(name, known.get(name))).join('\n')}

## Slowest to come back

${slowest
  .slice(0, 10)
  .map(({ name, recoverySeconds = 0 }) => `- ${name}: ${recoverySeconds.toFixed(1)} s`)
  .join('\n')}
`;
}

function faultTable(): string {
  const rows = Object.entries(FAULTS).map(([name, { does }]) => `| ${name} | ${does} |`);
  return `| fault | what is done |\n| --- | --- |\n${rows.join('\n')}\n`;
}

function hopTable(hop: Hop, known: ReadonlyMap<string, Result>): string {
  const faults = Object.keys(FAULTS) as FaultName[];
  const rows = STEPS.filter((step) => step.hop === hop).map((step) => {
    const cells = faults.map((fault) =>
      CELLS.filter((cell) => cell.step === step && cell.fault === fault)
        .map((cell) => `${cell.side === 'request' ? 'before' : 'after'} ${told(known.get(cellName(cell)))}`)
        .join('<br>'),
    );
    return `| ${step.name} | ${cells.join(' | ')} |`;
  });
  return `## ${HOPS[hop]}

| step | ${faults.join(' | ')} |
| --- |${faults.map(() => ' --- |').join('')}
${rows.join('\n')}
`;
}

function told(result: Result | undefined): string {
  if (!result) return '–';
  return result.ok ? (result.recoverySeconds ?? 0).toFixed(1) : '**failed**';
}

function oddRow(name: string, result: Result | undefined): string {
  const { ok, what = '', recoverySeconds } = result ?? { ok: undefined };
  const mark = ok === undefined ? 'not run' : ok ? 'well' : '**failed**';
  return `| ${name} | ${what.replaceAll('|', '\\|').replaceAll('\n', ' ')} | ${recoverySeconds?.toFixed(1) ?? ''} | ${mark} |`;
}
