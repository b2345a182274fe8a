/** The options of `headrace generate`, and what they ask for. */
import { Option, InvalidArgumentError, type Command } from 'commander';
import type { Group, Values } from '../generators/kinds.ts';
import type { Progress } from '../generators/drive.ts';
import type { AnyProfile } from '../generators/profiles.ts';
import { fault } from '../contracts/errors.ts';
import { FILE_FORMATS, type FileFormat, type GenerateRequest, type GenerateTarget } from '../contracts/generate.ts';
import { type FollowOptions, isoTime, replayId, withFollow, wholeNumber } from './common-options.ts';

export interface GenerateOptions extends FollowOptions {
  to?: string[];
  config?: string;
  format?: FileFormat;
  partitions: number;
  seed?: number;
  start?: string;
  days?: number;
  events?: number;
  live?: boolean;
  speed?: number;
  resume?: boolean;
  replace?: boolean;
  describe?: boolean;
  check?: boolean;
  workflow?: boolean;
  id?: string;
  stop?: boolean;
}

/** A batch without --start: a round date, so that the same command gives the same bytes on any day. */
const START_MICROS = Date.UTC(2024, 0, 1) * 1_000;
const SEED = 1;

export function withGenerate(command: Command): Command {
  return withFollow(command)
    .option('--to <place...>', 'files DIR, db:CONNECTION or kafka')
    .option('--config <file>', "the profile's settings (docs/generators.md); default: its defaults")
    .addOption(new Option('--format <format>', 'of files').choices(FILE_FORMATS))
    .option('--partitions <n>', 'of topics that are created', wholeNumber(1, 10_000), 6)
    .option('--seed <n>', `the same seed gives the same events (default: ${SEED})`, wholeNumber(0, 2 ** 31))
    .option('--start <time>', 'time of the first event (default: 2024-01-01, with --live: now)', isoTime)
    .option('--days <n>', 'days of events', positive)
    .option('--events <n>', 'main events in all; with --days as many a day as that makes', wholeNumber(1))
    .option('--live', 'each event at its time, on and on')
    .option('--speed <factor>', 'with --live, so many times faster, e.g. 60x', speed)
    .addOption(new Option('--resume', 'go on behind what is there, without a gap or a double').conflicts('replace'))
    .option('--replace', 'write over what an earlier run left')
    .addOption(new Option('--describe', 'print the distributions that it will use; writes nothing').conflicts('check'))
    .option('--check', 'draw a sample, print set and realised shares; writes nothing')
    .option('--workflow', 'as a Temporal workflow, which survives this command and its workers')
    .option('--id <id>', 'of the workflow (default: files, db or kafka)', replayId)
    .addOption(new Option('--stop', 'with --workflow: ask the running one to end'));
}

function positive(text: string): number {
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (!(number > 0 && number <= 36_600)) throw new InvalidArgumentError('Allowed: a number of days, up to 36,600.');
  return number;
}

function speed(text: string): number {
  const number = /^\d+(\.\d+)?x?$/.test(text) ? Number(text.replace('x', '')) : NaN;
  if (!(number > 0 && number <= 1_000_000)) throw new InvalidArgumentError('Allowed: a factor such as 60x.');
  return number;
}

/**
 * @param now milliseconds since 1970
 * @throws Fault ConfigInvalid where --to names no place, or --speed has nothing to pace (Commander tells only what its own parsing finds)
 */
export function requestOf(
  profile: AnyProfile,
  settings: Values<Group>,
  options: GenerateOptions,
  now: number,
): GenerateRequest {
  const start =
    options.start === undefined ? (options.live === true ? now * 1_000 : START_MICROS) : micros(options.start);
  const bounded = options.live === true || options.days !== undefined || options.events !== undefined;
  const days = options.days ?? (bounded ? undefined : profile.days);
  if (options.speed !== undefined && options.live !== true) {
    throw fault('ConfigInvalid', '--speed is the pace of --live; add it');
  }
  return {
    ...{ profile: profile.name, settings, target: targetOf(options), seed: options.seed ?? SEED, start },
    ...(options.events === undefined ? {} : { events: options.events }),
    ...(days === undefined ? {} : { days }),
    ...(options.live === true ? { pace: { speed: options.speed ?? 1, origin: { wall: now, event: start } } } : {}),
  };
}

/** A time without a zone is UTC. */
function micros(text: string): number {
  const whole = text.replace(' ', 'T');
  const zoned = /T.*(Z|[+-]\d{2}(:?\d{2})?)$/.test(whole) || !whole.includes('T') ? whole : `${whole}Z`;
  return Date.parse(zoned) * 1_000;
}

function targetOf({ to, format, partitions }: GenerateOptions): GenerateTarget {
  const [place = 'files', ...rest] = to ?? [];
  const [kind, named] = place.includes(':') ? split(place) : [place, rest.shift()];
  const extra = rest.length === 0 ? '' : `; ${rest.join(' ')} is too much`;
  if (kind === 'kafka' && named === undefined && extra === '') return { kind, partitions };
  if (kind === 'db' && named !== undefined && named !== '' && extra === '') return { kind, connection: named };
  if (kind === 'files' && extra === '' && named !== '') {
    return { kind, folder: named ?? '.', format: format ?? 'jsonl' };
  }
  throw fault('ConfigInvalid', `--to ${(to ?? []).join(' ')}: allowed: files DIR, db:CONNECTION or kafka${extra}`);
}

function split(place: string): [string, string] {
  const colon = place.indexOf(':');
  return [place.slice(0, colon), place.slice(colon + 1)];
}

export function targetText(target: GenerateTarget): string {
  if (target.kind === 'kafka') return 'Kafka';
  return target.kind === 'db' ? `connection ${target.connection}` : target.folder;
}

/** @param at microseconds since 1970 */
export const formatTime = (at: number): string => new Date(at / 1_000).toISOString().slice(0, 19).replace('T', ' ');

/** A shorter wait for the next event is not worth words: they would come and go. */
const IDLE_MS = 10_000;

/**
 * How far it got, and, where a while passes without an event (the shop is closed), until when.
 * @param now milliseconds since 1970
 */
export function reachedText({ at, next }: Pick<Progress, 'at' | 'next'>, now: number): string {
  const reached = at === null ? [] : [`up to ${formatTime(at)}`];
  if (next === undefined || next.due - now < IDLE_MS) return reached.join('');
  const event = formatTime(next.at);
  const clock = formatTime(next.due * 1_000);
  return [...reached, `nothing until ${event}${clock === event ? '' : `, which is ${clock} by the clock`}`].join('; ');
}
