/** `headrace generate PROFILE`: realistic events to a database, to Kafka or to files, in one batch or live. */
import { countText, numberText } from '../../contracts/count-words.ts';
import { formatTime, reachedText, requestOf, targetText, type GenerateOptions } from '../generate-options.ts';
import { CommandEnd } from '../failure.ts';
import { EXIT } from '../exit-codes.ts';
import { settingsFor } from '../environment.ts';
import { catchInterrupt } from '../interrupt.ts';
import { ensureKafkaClient } from '../kafka-client.ts';
import { createOutput, rateText, secondsText } from '../output.ts';
import { createDisplay } from '../progress-display.ts';

export async function runGenerate(profileName: string, options: GenerateOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const { loadGeneratorSettings } = await import('../../workers/config/generator-file.ts');
  const { findGenerated, generate, profileOf } = await import('../../workers/generate.ts');
  const profile = profileOf(profileName);
  const values = loadGeneratorSettings(profile, options.config);
  if (options.describe === true || options.check === true) {
    const { describeText, checkText } = await import('../generate-check.ts');
    const asked = requestOf(profile, values, options, Date.now());
    const found = options.check === true ? checkText(profile, values, asked) : describeText(profile, values, asked);
    output.result(found.document, () => found.text);
    return;
  }
  if (options.stop === true) {
    const { stopGenerate } = await import('../generate-workflow.ts');
    return await stopGenerate(settingsFor(options, ['temporal']), profile.name, options, output);
  }
  if (options.to === undefined) {
    throw new CommandEnd(EXIT.usage, 'ConfigInvalid', 'say where to: --to files DIR, --to db:CONNECTION or --to kafka');
  }
  let request = requestOf(profile, values, options, Date.now());
  const needs = request.target.kind === 'kafka' ? (['kafka'] as const) : [];
  const settings = settingsFor(options, options.workflow === true ? [...needs, 'temporal'] : needs);
  if (request.target.kind === 'kafka') await ensureKafkaClient(settings, output);
  if (options.resume === true) {
    // What was not said is as it was begun, and what is live goes on from where it stopped.
    const found = await findGenerated(settings, request);
    if (found === null) output.note('Nothing to go on with is there: beginning anew.');
    else {
      const { seed, start, id } = found.identity;
      request = {
        ...request,
        ...(id === undefined ? {} : { id }),
        seed: options.seed ?? seed,
        start: options.start === undefined ? start : request.start,
      };
      if (request.pace) request.pace = { ...request.pace, origin: { wall: Date.now(), event: found.at } };
    }
  }
  if (options.workflow === true) {
    const { launchGenerate } = await import('../generate-workflow.ts');
    return await launchGenerate(settings, request, options, output);
  }
  const interrupt = catchInterrupt(() => output.note('Stopping: what was made so far is written…'));
  const display = createDisplay(output.json);
  const began = performance.now();
  const expected = request.events ?? null;
  try {
    const report = await generate(settings, request, {
      ...{ resume: options.resume === true, replace: options.replace === true, signal: interrupt.signal },
      onProgress: (progress) =>
        display.show({
          ...{ expected, hops: [{ name: 'generated', rows: progress.main }] },
          text: reachedText(progress, Date.now()),
        }),
    });
    display.end();
    const seconds = (performance.now() - began) / 1000;
    const { ended, counts, written, before, at } = report;
    const reached = at === null ? '' : `, up to ${formatTime(at)}`;
    const lines = Object.entries(counts).map(([name, count]) => `  ${name.padEnd(24)} ${numberText(count)}`);
    const earlier = before > 0 ? ` (${numberText(before)} were there)` : '';
    const head = `${profile.name} to ${targetText(request.target)}: ${countText(written, 'event')}${earlier}${reached}, ${secondsText(seconds)} (${rateText(written, seconds)})`;
    output.result(
      { profile: profile.name, seed: request.seed, ended, counts, written, before, until: reached.slice(8), seconds },
      () => [head, ...lines].join('\n'),
    );
    if (ended === 'interrupted') {
      throw new CommandEnd(
        EXIT.interrupted,
        'Interrupted',
        'stopped; go on where it stopped with the same command and --resume',
      );
    }
  } finally {
    display.end();
    interrupt.release();
  }
}
