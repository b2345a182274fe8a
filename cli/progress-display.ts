/**
 * Shows progress on standard error: a live block of bars on a terminal, plain lines elsewhere, nothing with --json.
 * Notes written meanwhile go above the block.
 */
import { countText, numberText } from '../contracts/count-words.ts';
import { clearScreenDown, moveCursor } from 'node:readline';
import { secondsText } from './output.ts';
import { createProgressModel, type HopProgress, type Look } from './progress-model.ts';

export interface ProgressDisplay {
  show(look: Look): void;
  note(line: string): void;
  /** Leaves the last state standing. */
  end(): void;
}

type Stream = NodeJS.WriteStream;

const BAR_WIDTH = 24;
const PLAIN_EVERY_MS = 2_000;
const NARROWEST = 40;

export function createDisplay(silent: boolean, stream: Stream = process.stderr): ProgressDisplay {
  if (silent) return { show: () => undefined, note: (line) => void stream.write(`${line}\n`), end: () => undefined };
  return stream.isTTY ? liveDisplay(stream) : plainDisplay(stream);
}

function liveDisplay(stream: Stream): ProgressDisplay {
  const model = createProgressModel();
  let drawn: string[] = [];
  const erase = (): void => {
    if (drawn.length === 0) return;
    moveCursor(stream, 0, -drawn.length);
    clearScreenDown(stream);
  };
  const draw = (lines: string[]): void => {
    erase();
    drawn = lines;
    for (const line of lines) stream.write(`${line}\n`);
  };
  return {
    show(look) {
      const width = Math.max(NARROWEST, stream.columns) - 1;
      const hops = model.add(look, performance.now());
      // A line that wraps would break the counting of lines to go back up.
      draw([...hops.map((hop) => barLine(hop, look.expected)), ...words(look)].map((line) => line.slice(0, width)));
    },
    note(line) {
      erase();
      stream.write(`${line}\n`);
      const before = drawn;
      drawn = [];
      draw(before);
    },
    end: () => void (drawn = []),
  };
}

function plainDisplay(stream: Stream): ProgressDisplay {
  const model = createProgressModel();
  const began = performance.now();
  let last = '';
  let lastAt = -Infinity;
  return {
    show(look) {
      const now = performance.now();
      const hops = model.add(look, now);
      if (now - lastAt < PLAIN_EVERY_MS) return;
      const line = [...hops.map((hop) => plainHop(hop, look.expected)), ...words(look)].join('; ');
      if (line === '' || line === last) return;
      last = line;
      lastAt = now;
      stream.write(`${secondsText((now - began) / 1000).padStart(8)}  ${line}\n`);
    },
    note: (line) => void stream.write(`${line}\n`),
    end: () => undefined,
  };
}

const words = ({ text }: Look): string[] => (text === '' ? [] : [text]);

function barLine(hop: HopProgress, expected: number | null): string {
  const share = expected === null ? null : expected === 0 ? 1 : Math.min(1, hop.rows / expected);
  const full = Math.round((share ?? 0) * BAR_WIDTH);
  const bar = share === null ? '' : `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)} ${percent(share)}  `;
  return `${hop.name.padEnd(9)} ${bar}${rowsOf(hop, expected)}${tail(hop, '   ')}`;
}

function plainHop(hop: HopProgress, expected: number | null): string {
  return `${hop.name} ${rowsOf(hop, expected)}${tail(hop, ', ')}`;
}

function rowsOf({ rows }: HopProgress, expected: number | null): string {
  return expected === null ? countText(rows, 'row') : `${numberText(rows)} of ${numberText(expected)} rows`;
}

function tail({ rowsPerSecond, secondsLeft }: HopProgress, separator: string): string {
  const parts: string[] = [];
  if (rowsPerSecond >= 1 && secondsLeft !== 0) parts.push(`${numberText(rowsPerSecond)} rows/s`);
  if (secondsLeft !== null && secondsLeft > 0) parts.push(`${secondsText(secondsLeft)} left`);
  return parts.map((part) => separator + part).join('');
}

/** Rounded down: 100% means all. */
const percent = (share: number): string => `${Math.floor(share * 100)}%`.padStart(4);
