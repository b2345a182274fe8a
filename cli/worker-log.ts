/**
 * A worker's log on standard error: short lines for a terminal, JSON lines (pino's) for machines. Temporal's own debugging
 * is left out; its warnings about activities that failed carry the cause.
 */
import { destination, pino } from 'pino';

export interface LogEntry {
  level: string;
  message: string;
  meta?: Record<string, unknown>;
}

type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';
const LEVELS: Readonly<Record<string, Level>> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

export function createWorkerLog(forPeople: boolean): (entry: LogEntry) => void {
  if (forPeople) return (entry) => void process.stderr.write(`${lineOf(entry)}\n`);
  // Synchronous: what a worker says last, before it is killed, matters most.
  const logger = pino({ base: { pid: process.pid } }, destination({ dest: 2, sync: true }));
  return ({ level, message, meta }) => {
    logger[LEVELS[level] ?? 'info'](plain(meta ?? {}), message);
  };
}

/** Names of things that a line for people has; the rest is in the Temporal UI. */
const SHOWN = [
  'taskQueue',
  'workflowId',
  'activityType',
  'attempt',
  'pipeline',
  'replay',
  'chunk',
  'partition',
  'cut',
  'rows',
];

function lineOf({ level, message, meta = {} }: LogEntry): string {
  const time = new Date().toISOString().slice(11, 19);
  const named = SHOWN.filter((name) => meta[name] !== undefined).map((name) => `${name}=${String(meta[name])}`);
  const error = meta.error instanceof Error ? [meta.error.message.split('\n')[0] ?? ''] : [];
  return [time, level === 'INFO' ? '' : level.toLowerCase(), message, ...named, ...error]
    .filter((part) => part !== '')
    .join('  ');
}

/** Errors as their words, big integers as digits: JSON has neither. */
function plain(meta: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(meta).map(([name, value]) => {
      if (value instanceof Error) return [name, { name: value.name, message: value.message, stack: value.stack }];
      return [name, typeof value === 'bigint' ? value.toString() : value];
    }),
  );
}
