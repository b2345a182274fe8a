/** `recover` and `lake orphans` for people. */
import { countText, countWith, numberText } from '../contracts/count-words.ts';
import type { Orphan, OrphansReport, RecoveryReport } from '../contracts/recovery.ts';
import { bytesText, tableText } from './output.ts';

export function recoveryText(report: RecoveryReport, file: string): string {
  const parts = [`${report.pipeline}: topic ${report.topic}, lake ${report.dataset}`, partitionsText(report)];
  const gaps = report.gaps.map(
    ({ partition, start, end, is, records }) =>
      `partition ${partition}, offsets ${start} to ${end}: ${is === 'read' ? `${countText(records, 'record')}, read again` : is}`,
  );
  if (gaps.length > 0) parts.push(`Between the objects:\n${list(gaps)}`);
  const replays = report.replays.map(
    ({ replayId, records, proof }) =>
      `${replayId}: ${countText(records, 'record')}${proof === 'later' ? '' : `, ${proof}`}`,
  );
  if (replays.length > 0) parts.push(`Replays with records still to be read:\n${list(replays)}`);
  const { known, found } = report.deadLetters;
  if (known > 0 || found > 0) parts.push(`Dead letters: ${numberText(known)} known, ${numberText(found)} found again`);
  if (report.setAside.length > 0) {
    parts.push(`Objects that overlap others, and will be orphans:\n${list(report.setAside)}`);
  }
  if (report.foreign > 0) parts.push(`Files that are not ours, left alone: ${numberText(report.foreign)}`);
  if (report.notes.length > 0) parts.push(`Note:\n${list(report.notes)}`);
  if (report.faults.length > 0) parts.push(`It cannot be rebuilt:\n${list(report.faults)}`);
  else if (report.written) parts.push('The manifest is rebuilt.');
  else {
    parts.push(`Nothing was changed. Stop all workers, then write it with: headrace recover ${file} --yes`);
  }
  return parts.join('\n\n');
}

function partitionsText({ partitions }: RecoveryReport): string {
  const rows = partitions.map(({ topicId, partition, logStart, next, objects, rows: landed, ledger, toLand }) => [
    topicId,
    numberText(partition),
    numberText(objects),
    numberText(landed),
    numberText(logStart),
    numberText(next),
    ledger === null ? '' : numberText(ledger),
    numberText(toLand),
  ]);
  const head = ['topic id', 'partition', 'objects', 'rows', 'from', 'landed up to', 'loaded up to', 'offsets to land'];
  return tableText(head, rows, ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right']);
}

export function orphansText({ orphans, kept, foreign, named, deleted, dataset }: OrphansReport): string {
  const line = ({ name, bytes, why }: Orphan): string => `${name} (${bytesText(bytes)}): ${why}`;
  const parts = [`lake ${dataset}: ${countWith(named, 'object', 'is', 'are')} named by cuts`];
  if (orphans.length > 0) parts.push(`Orphans:\n${list(orphans.map(line))}`);
  if (kept.length > 0) parts.push(`Named by no cut, and left alone:\n${list(kept.map(line))}`);
  if (foreign.length > 0) parts.push(`Not Headrace's, left alone:\n${list(foreign.map(({ name }) => name))}`);
  if (orphans.length === 0) parts.push('There are no orphans.');
  else
    parts.push(deleted > 0 ? `Deleted: ${numberText(deleted)}` : 'Nothing was changed; --delete removes the orphans.');
  return parts.join('\n\n');
}

const list = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');
