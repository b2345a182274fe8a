/**
 * Command lines that must be refused. FILE is a pipeline file that is right, PLAIN one without an event time. All services are
 * named where the test listens, so that it sees that nothing was asked for, let alone started.
 */
import type { Entry } from './entry.ts';

export interface BadCommandLine extends Entry {
  input: readonly string[];
}

const bad = (name: string, input: readonly string[], ...says: string[]): BadCommandLine => ({ name, input, says });
const TIME = 'Allowed: an ISO 8601 date or time';
const EVERY = 'a duration from 10s to 365d';

export const BAD_COMMAND_LINES: readonly BadCommandLine[] = [
  bad('no command', ['--json'], "unknown option '--json'"),
  bad('a command mistyped', ['rnu', 'FILE', '--json'], "unknown command 'rnu'", 'Did you mean run?'),
  bad('a command of another tool', ['backup', 'FILE'], "unknown command 'backup'", 'headrace help shows the commands'),
  bad('SQL for a command', ["'; DROP TABLE x; --"], 'unknown command'),
  bad('no file', ['plan', '--json'], "missing required argument 'file'"),
  bad('an empty file name', ['plan', '', '--json'], '"": there is no such file'),
  bad('a file that is not there', ['plan', 'none.yaml', '--json'], 'none.yaml: there is no such file'),
  bad('a folder for a file', ['run', '.'], '.: is a folder; name a file'),
  bad('a file too many', ['plan', 'FILE', 'FILE'], 'too many arguments', 'Expected 1 argument but got 2'),
  bad(
    'settings that are not there',
    ['status', '--settings', 'none.yaml', '--json'],
    'none.yaml: there is no such file',
  ),
  bad('settings that are a folder', ['worker', '--settings', '.'], '.: is a folder; name a file'),
  bad('an option mistyped', ['plan', 'FILE', '--jsno'], "unknown option '--jsno'", 'Did you mean --json?'),
  bad('an option of another command', ['plan', 'FILE', '--every', '5m'], "unknown option '--every'"),
  bad('an option without its value', ['run', 'FILE', '--rate'], "option '--rate <rows>' argument missing"),
  bad(
    'a rate in words',
    ['run', 'FILE', '--rate', 'fast', '--json'],
    "argument 'fast' is invalid",
    'a whole number from 1 on',
  ),
  bad('a rate of nothing', ['run', 'FILE', '--rate', '0'], 'a whole number from 1 on'),
  bad('a rate below nothing', ['run', 'FILE', '--rate', '-5'], 'a whole number from 1 on'),
  bad('a rate in hex', ['run', 'FILE', '--rate', '0x10'], "argument '0x10' is invalid"),
  bad('a rate beyond numbers', ['run', 'FILE', '--rate', '99999999999999999999'], 'a whole number from 1 on'),
  bad('an empty rate', ['replay', 'FILE', '--rate', ''], 'a whole number from 1 on'),
  bad('more lanes than there are', ['run', 'FILE', '--lanes', '65', '--json'], 'a whole number from 1 to 64'),
  bad('no lane', ['replay', 'FILE', '--lanes', '0'], 'a whole number from 1 to 64'),
  bad(
    'a day that is none',
    ['run', 'FILE', '--from', '2026-02-30', '--json'],
    "argument '2026-02-30' is invalid",
    TIME,
  ),
  bad('a leap day in a common year', ['plan', 'FILE', '--from', '2023-02-29'], TIME),
  bad('a month that is none', ['plan', 'FILE', '--to', '2026-13-01'], TIME),
  bad('an hour that is none', ['plan', 'FILE', '--to', '2026-01-01T25:00:00Z'], TIME),
  bad('a month in words', ['plan', 'FILE', '--from', 'March'], TIME),
  bad('SQL for a time', ['plan', 'FILE', '--from', "2026-01-01' OR true --"], TIME),
  bad(
    'a window that ends before it begins',
    ['replay', 'FILE', '--from', '2026-02-01', '--to', '2026-01-01', '--json'],
    'is not before --to',
    'holds no row',
  ),
  bad('a window of nothing', ['replay', 'FILE', '--from', '2026-01-01', '--to', '2026-01-01'], 'is not before --to'),
  bad(
    'a window without an event time',
    ['run', 'PLAIN', '--from', '2026-01-01'],
    'need source.eventTime in the pipeline file',
  ),
  bad('an empty filter', ['run', 'FILE', '--where', ' ', '--json'], "Allowed: an expression in the source's SQL"),
  bad('a replay id with a slash', ['run', 'FILE', '--replay-id', 'a/b'], 'letters, digits, dots'),
  bad('a replay id that goes up', ['run', 'FILE', '--replay-id', '../x'], 'letters, digits, dots'),
  bad('an empty replay id', ['verify', 'FILE', '--replay-id', '', '--json'], 'letters, digits, dots'),
  bad('a replay id of 65 letters', ['run', 'FILE', '--replay-id', 'x'.repeat(65)], 'up to 64 letters'),
  bad('a replay id with an emoji', ['run', 'FILE', '--replay-id', '😀'], 'letters, digits, dots'),
  bad('to wait and not to wait', ['run', 'FILE', '--follow', '--detach', '--json'], 'cannot be used with'),
  bad('to leave with a worker', ['run', 'FILE', '--detach', '--with-worker'], 'cannot be used with'),
  bad('to stop and to catch up', ['land', 'FILE', '--stop', '--until-caught-up'], 'cannot be used with'),
  bad('no land activity', ['land', 'FILE', '--parallelism', '0'], 'a whole number from 1 on'),
  bad('an interval without a unit', ['load', 'FILE', '--every', '5', '--json'], '--every 5 is no interval', EVERY),
  bad('an interval of a second', ['load', 'FILE', '--every', '1s'], EVERY),
  bad('an interval before its time', ['load', 'FILE', '--every', '-5m'], EVERY),
  bad('an interval of ten thousand years', ['load', 'FILE', '--every', '3650000d', '--json'], EVERY),
  bad('a schedule to make and to remove', ['load', 'FILE', '--every', '5m', '--unschedule'], 'cannot be used with'),
  bad('a limit of nothing', ['status', '--limit', '0'], 'a whole number from 1 on'),
  bad('no workflow to pause', ['pause', '--json'], "missing required argument 'workflow'"),
  bad('nothing to tune', ['tune', 'replay/x/y', '--json'], 'tune needs something to change'),
  bad('a rate to tune below nothing', ['tune', 'replay/x/y', '--rate', '-1'], 'a whole number from 0 on'),
  bad('a queue mistyped', ['worker', '--only', 'read,raed'], 'did you mean read?', 'orchestrate, read, land, load'),
  bad('a queue without a name', ['worker', '--only', 'read,,land'], '"" is no queue'),
  bad('a demo of two rows', ['demo', '--rows', '2'], 'a whole number from 3 on'),
  bad('an argument that up has not', ['up', 'now'], 'too many arguments'),
  bad('an argument that down has not', ['down', '--purge', 'all', '--json'], 'too many arguments'),
];
