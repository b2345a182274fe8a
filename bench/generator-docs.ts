/**
 * Writes what docs/generators.md says of the settings, out of the settings themselves, and its pictures:
 *
 *   npx tsx bench/generator-docs.ts
 *
 * A test holds the page to it. The text around the tables is written by hand.
 */
import * as echarts from 'echarts';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawSample } from '../generators/check.ts';
import { defaultsOf, type Group } from '../generators/kinds.ts';
import { profiles } from '../generators/profiles.ts';
import { allowedText, shownSettings } from '../generators/show.ts';
import { WEEKDAYS } from '../generators/times.ts';

const DOCS = join(import.meta.dirname, '../docs');
/** Enough for the shape to show through chance. */
const PICTURE_EVENTS: Readonly<Record<string, number>> = { smoothies: 290 * 7, orders: 4_000 };
const START = Date.UTC(2024, 0, 1) * 1_000;

/** @param name of a profile @returns a table of every setting, markdown */
export function settingsTable(name: string): string {
  const profile = profiles.get(name);
  if (!profile) throw new Error(`no profile ${name}`);
  const rows = shownSettings(profile.settings, defaultsOf(profile.settings)).map(
    ({ path, value, allowed, meaning }) => `| \`${path}\` | ${meaning} | ${allowed} | \`${value}\` |`,
  );
  const items = lists(profile.settings).map(([path, item]) => {
    const each = Object.entries(item).map(([key, setting]) => {
      const given = 'default' in setting && setting.default !== null;
      return `\`${key}\` ${setting.meaning} (${allowedText(setting)}${given ? '' : '; must be given'})`;
    });
    return `\nAn item of \`${path}\`: ${each.join('; ')}.`;
  });
  return ['| setting | meaning | allowed | default |', '| --- | --- | --- | --- |', ...rows, ...items].join('\n');
}

function lists(group: Group, before = ''): [path: string, item: Group][] {
  return Object.entries(group).flatMap(([name, setting]): [string, Group][] => {
    if (setting.kind === 'group') return lists(setting.settings, `${before}${name}.`);
    return setting.kind === 'list' ? [[`${before}${name}`, setting.item]] : [];
  });
}

/** The page with its tables as they should be. */
export function withTables(page: string): string {
  return page.replaceAll(
    /(<!-- settings of ([a-z-]+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_whole, open: string, name: string, close: string) => `${open}\n${settingsTable(name)}\n\n${close}`,
  );
}

function picture(name: string): string {
  const profile = profiles.get(name);
  if (!profile) throw new Error(`no profile ${name}`);
  const run = { seed: 1, start: START, form: 'nested' as const };
  const { week } = drawSample(profile, defaultsOf(profile.settings), run, PICTURE_EVENTS[name] ?? 10_000);
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 860, height: 280 });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: `${name}: main events an hour, first week`, left: 'center', textStyle: { fontSize: 14 } },
    grid: { left: 50, right: 15, top: 40, bottom: 30 },
    xAxis: {
      type: 'category',
      data: week.map((_, hour) => `${WEEKDAYS[Math.floor(hour / 24)] ?? ''} ${hour % 24}h`),
      axisLabel: { interval: 23, formatter: (text: string) => text.slice(0, 3) },
    },
    yAxis: { type: 'value' },
    series: [{ type: 'bar', data: week, barCategoryGap: '10%' }],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

if (process.argv[1] === import.meta.filename) {
  const page = join(DOCS, 'generators.md');
  writeFileSync(page, withTables(readFileSync(page, 'utf8')));
  for (const name of profiles.keys()) writeFileSync(join(DOCS, `generators-${name}.svg`), `${picture(name)}\n`);
}
