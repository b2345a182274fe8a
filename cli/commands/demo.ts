/**
 * `headrace demo` (`npm run demo`): the main job from nothing to verified, on the local stack: services, tables, seeded
 * rows, the pipeline with its progress, a report. A second run finds the stack running and takes seconds.
 */
import { fileURLToPath } from 'node:url';
import { fillProductSales } from '../../bench/product-sales.ts';
import { countText, numberText } from '../../contracts/count-words.ts';
import { datasetOf } from '../../contracts/pipeline.ts';
import { QUEUES, workflowIds, WORKFLOWS, type RunInput, type RunReport } from '../../contracts/temporal.ts';
import { loadAll } from '../../workers/config/index.ts';
import { migrate } from '../../workers/migrate.ts';
import { stackFolders } from '../../stack/environment.ts';
import type { StackInfo } from '../../stack/types.ts';
import { up } from '../../stack/up.ts';
import type { CommonOptions } from '../common-options.ts';
import { EXIT } from '../exit-codes.ts';
import { catchInterrupt } from '../interrupt.ts';
import { launch } from '../launch.ts';
import { bytesText, createOutput, rateText, secondsText, type Output } from '../output.ts';
import { newId } from '../replay-id.ts';
import { replayProgress } from '../replay-progress.ts';
import { stackProgress } from '../stack-progress.ts';
import { setVerifyExitCode, verifyText } from '../verify-text.ts';

export interface DemoOptions extends CommonOptions {
  rows: number;
}

const PIPELINE = fileURLToPath(new URL('../../pipelines/product-sales.yaml', import.meta.url));
const PIPELINE_WORDS = 'pipelines/product-sales.yaml';

export async function runDemo(options: DemoOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const began = performance.now();
  const info = await bringUp(output);
  const { settings, spec } = loadAll(PIPELINE, {
    path: options.settings,
    defaults: { ...info.env, HEADRACE_TEMPORAL_UI: info.temporal.ui },
  });
  const interrupt = catchInterrupt(() => {
    output.note('Stopped. The local stack runs on: `headrace demo` goes on, `headrace down` ends it.');
    process.exit(EXIT.interrupted);
  });
  await prepare(output, info, settings, options.rows).finally(interrupt.release);
  output.note(`Running ${PIPELINE_WORDS}:`);
  const input: RunInput = { spec, replayId: newId(), scope: {} };
  const ran = performance.now();
  await launch({
    type: WORKFLOWS.run,
    workflowId: workflowIds.run(spec.name, input.replayId),
    input,
    summary: `${spec.name}: source to warehouse`,
    settings,
    options: { ...options, withWorker: true },
    output,
    queues: QUEUES,
    beside: [workflowIds.land(datasetOf(spec.lake))],
    openLook: () => replayProgress(settings, input, ['replayed', 'landed', 'loaded']),
    comeBack: `headrace run ${PIPELINE_WORDS} --replay-id ${input.replayId} --with-worker`,
    names: { pipeline: spec.name, replayId: input.replayId },
    present: (result) => {
      const report = result as RunReport;
      const seconds = { run: (performance.now() - ran) / 1000, all: (performance.now() - began) / 1000 };
      output.result(report, () => closing(report, info, seconds));
      setVerifyExitCode(report);
    },
  });
}

async function bringUp(output: Output): Promise<StackInfo> {
  const interrupt = catchInterrupt(() => output.note('Stopping what was started…'));
  const { signal } = interrupt;
  output.note('Local stack:');
  try {
    return await up({ ...stackFolders(), onProgress: stackProgress(output), signal });
  } finally {
    interrupt.release();
  }
}

async function prepare(
  output: Output,
  info: StackInfo,
  settings: Parameters<typeof migrate>[0],
  rows: number,
): Promise<void> {
  const began = performance.now();
  const { applied } = await migrate(settings);
  const took = secondsText((performance.now() - began) / 1000);
  output.note(`Migrations: ${applied.length === 0 ? 'up to date' : `${applied.join(', ')} (${took})`}`);
  const filled = await fillProductSales(info.postgres.sales, rows, { keepLarger: true });
  output.note(
    filled.how === 'found'
      ? `Table public.product_sales: ${numberText(filled.rows)} seeded rows are there`
      : `Table public.product_sales: ${numberText(rows)} seeded rows (${secondsText(filled.seconds)})`,
  );
}

function closing(report: RunReport, info: StackInfo, seconds: { run: number; all: number }): string {
  const whole = `the whole: ${secondsText(seconds.run)} (${rateText(report.rows.replayed, seconds.run)})`;
  const addresses = [
    `Temporal UI    ${info.temporal.ui}/namespaces/${info.temporal.namespace}/workflows`,
    info.s3.console === ''
      ? ''
      : `S3 console     ${info.s3.console}   user ${info.s3.accessKeyId}, password ${info.s3.secretAccessKey}`,
    `Lake           ${info.s3.bucket}, ${countText(report.objects, 'object')}, ${bytesText(report.bytes)}`,
  ].filter((line) => line !== '');
  const next = [
    `npx headrace status ${PIPELINE_WORDS}`,
    `npx headrace run ${PIPELINE_WORDS} --where "brand = 'Apple'" --with-worker`,
    'npx headrace down',
  ];
  return [
    verifyText(report, true),
    `${whole}; with the stack: ${secondsText(seconds.all)}`,
    addresses.join('\n'),
    ['To try next:', ...next.map((line) => `  ${line}`)].join('\n'),
  ].join('\n\n');
}
