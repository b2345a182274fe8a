/**
 * Reads the range of an open intent again and encodes it with the intent's own settings. The hash of what is read must be
 * the intent's: then the object is the one that its author would have put.
 */
import { countText } from '../contracts/count-words.ts';
import { fault } from '../contracts/errors.ts';
import { landGroup } from '../contracts/messages.ts';
import { type CutBuffer, createCutBuffer } from '../formats/cut-buffer.ts';
import type { LandPorts } from './land-ports.ts';
import { encodeCut, type LandContext, type ReadyCut } from './land-write.ts';
import type { StoredCut } from './ports/manifest.ts';

const READ_RECORDS = 1_000;
const READ_TIMEOUT_MS = 1_000;

/**
 * @param directory where the file goes; the caller removes it
 * @throws Fault OffsetsExpired, ManifestConflict
 */
export async function rereadCut(
  ports: LandPorts,
  context: LandContext,
  cut: StoredCut,
  directory: string,
): Promise<ReadyCut> {
  const buffer = await readRange(ports, context, cut);
  const ready = await encodeCut(ports, context, cut, buffer, cut.encoder, directory);
  if (ready.inputSha256 === cut.inputSha256 && ready.rows === cut.rows) return ready;
  throw fault(
    'ManifestConflict',
    `cut [${cut.start}, ${cut.end}) of ${context.topic}, partition ${cut.partition}, was begun with ${countText(cut.rows, 'row')} of input ` +
      `${cut.inputSha256}; read again it gives ${countText(ready.rows, 'row')} of ${ready.inputSha256}. If the headrace version changed ` +
      'in between, let the old one finish; else void the cut in headrace.cut after looking at both',
  );
}

async function readRange(
  ports: LandPorts,
  { topic, dataset }: LandContext,
  { partition, start, end }: StoredCut,
): Promise<CutBuffer> {
  const buffer = createCutBuffer(partition);
  const reader = await ports.openReader({ topic, group: landGroup(dataset), from: new Map([[partition, start]]) });
  try {
    while ((reader.positions().get(partition) ?? 0) < end) {
      for (const record of await reader.read(READ_RECORDS, READ_TIMEOUT_MS)) {
        if (record.offset < end) buffer.append(record);
      }
    }
  } finally {
    await reader.close();
  }
  return buffer;
}
