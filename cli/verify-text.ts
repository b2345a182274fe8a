/** The report of `run` and `verify` for people: what each hop did, and what differs, down to keys. */
import { countText, countWith, numberText } from '../contracts/count-words.ts';
import type { SkippedChunk, VerifyExamples, VerifyReport } from '../contracts/temporal.ts';
import { EXIT } from './exit-codes.ts';
import { bytesText, rateText, secondsText, tableText } from './output.ts';

/** Of each kind; --json has up to 20. */
const SHOWN_EXAMPLES = 5;

/** @param withHops rows and seconds a hop, where the hops belong to this run */
export function verifyText(report: VerifyReport, withHops: boolean): string {
  const parts = [`${report.pipeline}, replay ${report.replayId}`];
  if (withHops) parts.push(hopsTable(report));
  const expired = report.expired === 0 ? '' : `; ${expiredText(report.expired)}`;
  parts.push(`lake: ${countText(report.objects, 'object')}, ${bytesText(report.bytes)}${expired}`);
  parts.push(answer(report) + scopeNote(report) + emptyNote(report.rows.source, report.scope ?? null));
  if (report.ok && report.skips.length > 0) parts.push(report.skips.map(skipText).join('\n'));
  return parts.join('\n\n');
}

/** After an interval or a limit: the sentence is about that part. */
function scopeNote({ scope }: VerifyReport): string {
  return scope === undefined ? '' : `\n(of the part of the table that this replay read: ${scope})`;
}

/** A wrong year in a window is ok as well; so it is said. @param scope as `scopeText` writes it */
export function emptyNote(rows: number, scope: string | null): string {
  if (rows > 0) return '';
  const why = scope === null ? 'The table is empty.' : 'If there should be some, check the window and the filter.';
  return `\nNo row was read from the source. ${why}`;
}

function expiredText(rows: number): string {
  return `${countWith(rows, 'row', 'has', 'have')} expired (lake.afterLoad), counted from the manifest and the ledger`;
}

export function hopsTable({ rows, seconds }: VerifyReport): string {
  const line = (hop: string, count: number, took: number) => [
    hop,
    numberText(count),
    secondsText(took),
    rateText(count, took),
  ];
  return tableText(
    ['hop', 'rows', 'time', 'speed'],
    [
      line('replay', rows.replayed, seconds.replay),
      line('land', rows.landed, seconds.land),
      // `loaded` counts the table, which may hold more than this run brought.
      line('load', Math.min(rows.loaded, rows.landed), seconds.load),
      line('verify', rows.source, seconds.verify),
    ],
    ['left', 'right', 'right', 'right'],
  );
}

function answer(report: VerifyReport): string {
  if (report.pruned === undefined) return found(report);
  return `${countWith(report.pruned, 'row', 'that the source has no more was', 'that the source has no more were')} deleted from the warehouse\n${found(report)}`;
}

function found(report: VerifyReport): string {
  const { rows, changedSince } = report;
  const drift = changedSince === 0 ? '' : ` (${countText(changedSince, 'row')} changed in the source since)`;
  if (report.ok) {
    const discards = discardText(report);
    if (discards !== '') return `verify: ok, ${countText(rows.source, 'row')} in the source; ${discards}${drift}`;
    if (report.mode === 'append')
      return (
        `verify: ok: each record of the lake is a row of the warehouse, ${countText(rows.loaded, 'row')}; this replay's are what ` +
        `the source holds, ${countText(rows.source, 'row')}${drift}`
      );
    return changedSince === 0
      ? `verify: ok: the warehouse holds what the source holds, ${countText(rows.source, 'row')}`
      : `verify: ok: the warehouse holds what this replay read; ${numberText(changedSince)} of the source's ` +
          `${countText(rows.source, 'row')} ${changedSince === 1 ? 'is' : 'are'} newer than that: run again to bring them`;
  }
  const counts: [count: number, thing: string, one: string, many: string][] = [
    [report.missing, 'row', 'is missing in the warehouse', 'are missing in the warehouse'],
    [
      report.extra,
      'row',
      `of the warehouse is not in the source (a replay never deletes${pruneHint(report, 'it is')})`,
      `of the warehouse are not in the source (a replay never deletes${pruneHint(report, 'they are')})`,
    ],
    [report.different, 'row', 'differs', 'differ'],
    [
      report.skipped,
      'row',
      'was not published, because its chunk was skipped',
      'were not published, because their chunks were skipped',
    ],
    [
      report.chunksUnequal,
      'chunk',
      'is not in the lake as it was published',
      'are not in the lake as they were published',
    ],
    [report.lost, 'record', 'expired before it was landed', 'expired before they were landed'],
    [
      report.deadLetters,
      'record',
      'is in the dead letters (headrace dead-letters shows it)',
      'are in the dead letters (headrace dead-letters shows them)',
    ],
  ];
  const lines = counts
    .filter(([count]) => count > 0)
    .map(([count, thing, one, many]) => `  ${countWith(count, thing, one, many)}`);
  return [
    `verify: NOT ok${drift}`,
    ...lines,
    ...landingLines(report),
    ...report.skips.map(skipText),
    ...exampleLines(report.examples),
  ].join('\n');
}

/** Only a replay of the whole table has asked the source for all that would be deleted. */
function pruneHint({ mode, scope }: VerifyReport, they: string): string {
  if (mode !== undefined) return '';
  return `: if ${they} to go, ${scope === undefined ? '' : 'replay the whole table, then '}verify --prune`;
}

/** After `replay` alone nothing has asked for landing. */
function landingLines({ rows, chunksUnequal, deadLetters, discarded, lost }: VerifyReport): string[] {
  const left = rows.replayed - rows.landed - deadLetters - discarded - lost;
  if (chunksUnequal === 0 || left <= 0) return [];
  const told = countWith(left, 'row', 'that it published is', 'that it published are');
  return [
    `  ${told} not in the lake; if landing has not come so far: headrace land FILE --until-caught-up, headrace load FILE, then verify again`,
  ];
}

function skipText({ chunk, reason, by, at }: SkippedChunk): string {
  return `  chunk ${numberText(chunk)} was skipped by ${by ?? 'somebody in the Temporal UI'} at ${at.slice(0, 19)}Z: “${reason}”`;
}

function discardText({ discarded, discardReasons }: VerifyReport): string {
  if (discarded === 0) return '';
  return `${countWith(discarded, 'dead letter', 'was', 'were')} discarded: ${discardReasons.map((reason) => `“${reason}”`).join(', ')}`;
}

function exampleLines(examples: VerifyExamples): string[] {
  return (['missing', 'extra', 'different', 'skipped', 'changedSince'] as const).flatMap((kind) =>
    examples[kind].length === 0
      ? []
      : [`  ${kind}, for example: ${examples[kind].slice(0, SHOWN_EXAMPLES).join('  ')}`],
  );
}

export function setVerifyExitCode({ ok }: VerifyReport): void {
  process.exitCode = ok ? EXIT.ok : EXIT.differs;
}
