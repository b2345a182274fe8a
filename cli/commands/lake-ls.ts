/** `headrace lake ls FILE`: what the lake holds, by its manifest. */
import { countText, countWith, numberText } from '../../contracts/count-words.ts';
import type { LakeLook } from '../../contracts/lake-look.ts';
import type { CommonOptions } from '../common-options.ts';
import { lakesOf } from '../lakes.ts';
import { bytesText, createOutput, tableText } from '../output.ts';

export interface LakeLsOptions extends CommonOptions {
  files?: boolean;
}

export async function runLakeLs(file: string, options: LakeLsOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const { settings, specs, many } = await lakesOf(file, options, output, { everyTable: true });
  const { readLakeLook } = await import('../../workers/lake-look.ts');
  const looks: LakeLook[] = [];
  for (const spec of specs) looks.push(await readLakeLook(settings, spec));
  output.result(many ? { lakes: looks } : looks[0], () =>
    looks.map((look) => lookText(look, options.files === true)).join('\n\n'),
  );
}

function lookText({ dataset, partitions, objects, rows, bytes, expiredRows }: LakeLook, files: boolean): string {
  const count = `${countText(objects.length, 'file')}, ${countText(rows, 'row')}, ${bytesText(bytes)}`;
  const expired =
    expiredRows === 0 ? '' : `; ${countWith(expiredRows, 'row', 'was loaded and has', 'were loaded and have')} expired`;
  const parts = [`lake ${dataset}: ${count}${expired}`];
  if (objects.length === 0) return expired === '' ? `${parts.join('')}; nothing has landed yet` : parts.join('');
  const folders = partitions.some(({ folder }) => folder !== '');
  const lines = partitions.map((each) => [
    each.topic,
    ...(folders ? [each.folder] : []),
    String(each.partition),
    numberText(each.objects),
    numberText(each.rows),
    bytesText(each.bytes),
    `${numberText(each.start)} to ${numberText(each.end)}`,
  ]);
  const head = ['topic', ...(folders ? ['folder'] : []), 'partition', 'files', 'rows', 'size', 'offsets'];
  const right = ['right', 'right', 'right', 'right', 'left'] as const;
  parts.push(tableText(head, lines, ['left', ...(folders ? (['left'] as const) : []), ...right]));
  if (files) {
    const each = objects.map(({ name, rows: own, bytes: size, sealedAt }) => [
      name,
      numberText(own),
      bytesText(size),
      sealedAt,
    ]);
    parts.push(tableText(['file', 'rows', 'size', 'sealed'], each, ['left', 'right', 'right', 'left']));
  }
  return parts.join('\n\n');
}
