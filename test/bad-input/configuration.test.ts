/**
 * Every settings file, variable and pipeline file of the corpora is refused: ConfigInvalid with file, line and column, what
 * was found and what is allowed; no secret, no stack trace, no message that fills a screen.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { isFault } from '../../contracts/errors.ts';
import { landingOf, loadAll, loadSettings, loadTopics } from '../../workers/config/index.ts';
import { namesOf, STACK_LINE } from './entry.ts';
import { BAD_PIPELINES, GOOD as PIPELINE } from './pipelines.ts';
import { BAD_SETTINGS, GOOD as SETTINGS } from './settings.ts';
import { BAD_TOPICS, GOOD_TOPICS } from './topics.ts';

const MESSAGE_CHARACTERS = 2_000;
const folder = mkdtempSync(join(tmpdir(), 'headrace-bad-'));
afterAll(() => rmSync(folder, { recursive: true }));
const settingsFile = join(folder, 'headrace.yaml');
const pipelineFile = join(folder, 'p.yaml');
const SETTINGS_OF_BOTH = SETTINGS.replace('connections:', 'connections:\n  warehouse: postgres://u:hush@h/warehouse');

function contentOf(good: string, input: { from: string; to: string } | { file: string | Buffer }): string | Buffer {
  if ('file' in input) return input.file;
  expect(good).toContain(input.from);
  return good.replace(input.from, () => input.to);
}

function expectRefused(load: () => unknown, says: readonly string[]): void {
  let refusal: unknown;
  try {
    load();
  } catch (error) {
    refusal = error;
  }
  if (!isFault(refusal, 'ConfigInvalid')) throw new Error('it was not refused as ConfigInvalid', { cause: refusal });
  for (const words of says) expect(refusal.message).toContain(words);
  expect(refusal.message).not.toContain('hush');
  expect(refusal.message).not.toMatch(STACK_LINE);
  expect(refusal.message.length).toBeLessThan(MESSAGE_CHARACTERS);
  expect(Object.keys(Object.prototype)).toEqual([]);
}

test('what the entries change is right as it is', () => {
  writeFileSync(settingsFile, SETTINGS_OF_BOTH);
  writeFileSync(pipelineFile, PIPELINE);
  expect(loadAll(pipelineFile, { path: settingsFile, env: {} }).spec.name).toBe('p');
  expect(namesOf(BAD_SETTINGS).size).toBe(BAD_SETTINGS.length);
  expect(namesOf(BAD_PIPELINES).size).toBe(BAD_PIPELINES.length);
});

describe('settings', () => {
  test.each(BAD_SETTINGS)('$name', ({ input, env = {}, says }) => {
    writeFileSync(settingsFile, contentOf(SETTINGS, input));
    expectRefused(() => loadSettings({ path: settingsFile, env }), says);
  });
});

describe('pipelines', () => {
  test.each(BAD_PIPELINES)('$name', ({ input, says }) => {
    writeFileSync(settingsFile, SETTINGS_OF_BOTH);
    writeFileSync(pipelineFile, contentOf(PIPELINE, input));
    expectRefused(() => loadAll(pipelineFile, { path: settingsFile, env: {} }), says);
  });
});

describe('topics of others', () => {
  const load = () => loadTopics(pipelineFile, { path: settingsFile, env: {} });

  test('the file that the entries change lands each topic under a prefix of its own', () => {
    writeFileSync(settingsFile, SETTINGS_OF_BOTH);
    writeFileSync(pipelineFile, GOOD_TOPICS);
    const topics = load()?.topics;
    if (!topics) throw new Error('it was taken for a pipeline');
    expect(landingOf(topics, 'us_topic')).toMatchObject({
      topic: { name: 'us_topic' },
      lake: { prefix: 'Inbound/us' },
    });
    expect(landingOf(topics, 'us_topic_2')).toBeNull();
    expect(namesOf(BAD_TOPICS).size).toBe(BAD_TOPICS.length);
    expectRefused(
      () => loadAll(pipelineFile, { path: settingsFile, env: {} }),
      ['2:15: topicPattern: lands topics that others write: only `land`, `lake ls`, `lake show` and `lake compact`'],
    );
    writeFileSync(pipelineFile, PIPELINE);
    expect(load()).toBeNull();
  });

  test.each(BAD_TOPICS)('$name', ({ from, to, says }) => {
    writeFileSync(settingsFile, SETTINGS_OF_BOTH);
    writeFileSync(pipelineFile, contentOf(GOOD_TOPICS, { from, to }));
    expectRefused(load, says);
  });
});
