/** What `headrace generate --describe` and `--check` print: settings as they will be used, and set against realised shares. */
import plot from 'simple-ascii-chart';
import { drawSample, type Sample } from '../generators/check.ts';
import type { Group, Values } from '../generators/kinds.ts';
import type { AnyProfile } from '../generators/profiles.ts';
import { formOf, spanOf } from '../generators/request.ts';
import { numberText } from '../contracts/count-words.ts';
import type { GenerateRequest } from '../contracts/generate.ts';
import { shownSettings } from '../generators/show.ts';
import { WEEKDAYS, weekdayOf } from '../generators/times.ts';
import { formatTime } from './generate-options.ts';
import { tableText } from './output.ts';

export interface Shown {
  document: unknown;
  text: string;
}

const SAMPLE_EVENTS = 20_000;
const CHART_WIDTH = 84;
const CHART_HEIGHT = 10;
const percent = (share: number): string => `${(share * 100).toFixed(2)}%`;

export function describeText(profile: AnyProfile, settings: Values<Group>, request: GenerateRequest): Shown {
  const form = formOf(request.target);
  const outputs = profile.outputs(settings, form).map(({ name, fields, main }) => ({
    name,
    fields: fields.map((field) => field.name),
    main: main === true,
  }));
  const shares = profile.shares(settings, form).map(({ name, output, set }) => ({ name, output, set }));
  const shown = shownSettings(profile.settings, settings);
  const { seed, start } = request;
  const parts = [
    `${profile.name}: ${profile.summary}`,
    `seed ${seed}, from ${formatTime(start)} UTC`,
    tableText(
      ['output', 'fields'],
      outputs.map(({ name, fields }) => [name, fields.join(', ')]),
    ),
    tableText(
      ['setting', 'value', 'meaning'],
      shown.map(({ path, value, meaning }) => [path, value, meaning]),
    ),
    tableText(
      ['share of', 'category', 'set'],
      shares.flatMap(({ name, set }) =>
        Object.entries(set).map(([category, value]) => [name, category, percent(value)]),
      ),
      ['left', 'left', 'right'],
    ),
  ];
  return {
    document: { profile: profile.name, seed, start: formatTime(start), outputs, settings: shown, shares },
    text: parts.join('\n\n'),
  };
}

export function checkText(profile: AnyProfile, settings: Values<Group>, request: GenerateRequest): Shown {
  const { seed, start, target } = request;
  const run = { seed, start, form: formOf(target), ...spanOf(request) };
  const sample = drawSample(profile, settings, run, request.events ?? SAMPLE_EVENTS);
  const rows = sample.shares.flatMap(({ name, categories, p }) =>
    categories.map(({ name: category, set, realised }, index) => [
      index === 0 ? name : '',
      category,
      percent(set),
      percent(realised),
      index === 0 && p !== null ? p.toFixed(3) : '',
    ]),
  );
  const table = tableText(['share of', 'category', 'set', 'realised', 'p'], rows, [
    'left',
    'left',
    'right',
    'right',
    'right',
  ]);
  const note =
    'p: the chance of such a difference if the set shares hold (chi-square); below 0.001 in one of many runs it is one. ' +
    'None for shapes over time, which trend and calendar bend.';
  const text = [
    `${profile.name}: a sample of ${numberText(sample.main)} main events, seed ${seed}`,
    table,
    note,
    weekChart(sample, start),
  ];
  return {
    document: { profile: profile.name, seed, main: sample.main, shares: sample.shares, week: sample.week },
    text: text.join('\n\n'),
  };
}

/** Two hours a bar: a week fits a terminal. */
function weekChart({ week }: Sample, start: number): string {
  const points = Array.from({ length: week.length / 2 }, (_, index): [number, number] => [
    index,
    (week[2 * index] ?? 0) + (week[2 * index + 1] ?? 0),
  ]);
  const days = Array.from({ length: 7 }, (_, day) => WEEKDAYS[(weekdayOf(start) + day) % 7] ?? '');
  const chart = plot(points, {
    ...{ width: CHART_WIDTH, height: CHART_HEIGHT, barChart: true },
    title: 'Main events in two hours, over the first week',
    formatter: (value, { axis }) => (axis === 'x' ? (value % 12 === 0 ? (days[value / 12] ?? '') : '') : value),
  });
  return chart.replaceAll(/[ \t]+$/gm, '');
}
