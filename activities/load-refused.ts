/**
 * A batch that the warehouse refused as a whole: its bad rows, found one by one, become dead letters, and the rest is
 * prepared again without them. Letters are stored before the ledger moves over their offsets, so none is missed; stored twice
 * they are one.
 */
import { fault, isFault } from '../contracts/errors.ts';
import { datasetOf, type PipelineSpec } from '../contracts/pipeline.ts';
import { requireFewBad } from './bad-records.ts';
import { addLetters } from './land-letters.ts';
import type { LoadBatch } from './load-batch.ts';
import { type Prepared, type PreparePorts, prepareBatch, withExport } from './load-prepare.ts';
import type { Manifest } from './ports/manifest.ts';
import type { OpenReader } from './ports/topic.ts';
import type { RefusedRow, WarehouseTable } from './ports/warehouse.ts';

export interface RefusedPorts extends PreparePorts {
  manifest: Pick<Manifest, 'addDeadLetters' | 'openLetters'>;
  openReader: OpenReader;
}

export interface RefusedBatch {
  spec: PipelineSpec;
  topicId: string;
  table: WarehouseTable;
  batch: LoadBatch;
}

/**
 * @param refusal what the warehouse said of the batch
 * @throws Fault TooManyBad; `refusal` itself where no row alone is refused
 */
export async function prepareWithoutRefused(
  ports: RefusedPorts,
  { spec, topicId, table, batch }: RefusedBatch,
  refusal: unknown,
  signal: AbortSignal,
): Promise<{ prepared: Prepared; letters: number }> {
  const { bucket } = spec.lake;
  const refused = await withExport(ports, bucket, table, batch, signal, { places: true }, (csv) =>
    ports.warehouse.judge(table, csv, signal),
  );
  if (refused.length === 0) throw refusal;
  const { onBad } = spec;
  const dataset = datasetOf(spec.lake);
  const topic = spec.topic.name;
  await requireFewBad(ports.manifest, { dataset, topic, ...(onBad === undefined ? {} : { onBad }) }, refused);
  for (const [partition, rows] of byPartition(refused)) {
    try {
      await addLetters(ports, { dataset, topic, topicId }, partition, rows, 'load');
    } catch (error) {
      if (!isFault(error, 'OffsetsExpired')) throw error;
      // Its bytes are gone from the topic; that it was refused, and where its row is in the lake, is not to be lost.
      const letters = rows.map(({ offset, reason }) => ({
        ...{ offset, reason: `${reason} (its record has left the topic; the row is in the lake)` },
        ...{ key: null, value: null, headers: [], replayId: null, chunk: null },
      }));
      await ports.manifest.addDeadLetters({ dataset, topicId, topic, partition, hop: 'load' }, letters);
    }
  }
  try {
    return { prepared: await prepareBatch(ports, bucket, table, batch, signal, refused), letters: refused.length };
  } catch (error) {
    if (!isFault(error, 'RowsRefused')) throw error;
    throw fault('WarehouseUnavailable', `${error.message}; the table changed while its rows were judged`, error);
  }
}

function byPartition(refused: readonly RefusedRow[]): Map<number, RefusedRow[]> {
  const rows = new Map<number, RefusedRow[]>();
  for (const row of refused) {
    const same = rows.get(row.partition);
    if (same) same.push(row);
    else rows.set(row.partition, [row]);
  }
  return rows;
}
