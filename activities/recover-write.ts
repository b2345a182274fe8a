/**
 * Writes what was found: the control database's tables, what the topic has to give again, and the manifest in one
 * transaction. Broken off anywhere before that it has changed nothing that a second run would not find or do again.
 */
import { createHash } from 'node:crypto';
import { fault } from '../contracts/errors.ts';
import type { RecoveryReport } from '../contracts/recovery.ts';
import { encoderSettings } from '../formats/encoder-settings.ts';
import { assumed, withLetters } from './recover-plan.ts';
import type { Range } from '../formats/object-chain.ts';
import type { RebuiltCut, RebuiltPartition, RebuiltReplay } from './ports/recovery.ts';
import type { Findings, FoundObject, PartitionPlan, RecoverPorts } from './recover-ports.ts';
import { proveReplays } from './recover-proof.ts';
import { findLetters, landGap, type Reread } from './recover-reread.ts';

/** @throws Fault ManifestConflict with all that stands in the way */
export async function writeManifest(ports: RecoverPorts, findings: Findings): Promise<RecoveryReport> {
  const { report, request, dataset, topicId, hashPartitions, schemas } = findings;
  if (report.faults.length > 0) {
    const list = report.faults.map((each) => `\n- ${each}`).join('');
    throw fault('ManifestConflict', `the manifest of ${dataset} cannot be rebuilt:${list}`);
  }
  const nonces = await proveReplays(ports, findings);
  await ports.migrate();
  const known = new Set(nonces.keys());
  const partitions: RebuiltPartition[] = [];
  let letters = 0;
  for (const plan of findings.partitions) {
    const rebuilt = await rebuildPartition({ ports, findings, ...plan, known }, plan);
    partitions.push(rebuilt.partition);
    letters += rebuilt.letters;
  }
  const replays = [...nonces].flatMap(([replayId, nonce]): RebuiltReplay[] => {
    const version = [...(findings.replays.get(replayId)?.schemaVersions ?? [])].at(-1) ?? '';
    const shape = schemas.find((each) => each.version === version)?.shape;
    return shape ? [{ replayId, nonce, schemaVersion: version, shape }] : [];
  });
  await ports.recovery.rebuild({ dataset, spec: request.spec, topicId, hashPartitions, partitions, schemas, replays });
  return {
    ...report,
    deadLetters: { ...report.deadLetters, found: letters },
    replays: report.replays.map((each) => ({ ...each, proof: each.proof === 'later' ? 'asked' : each.proof })),
    written: true,
  };
}

async function rebuildPartition(
  reread: Reread,
  plan: PartitionPlan,
): Promise<{ partition: RebuiltPartition; letters: number }> {
  const { topicId, partition, logStart, next, chain, gaps } = plan;
  const cuts = chain.map((object) => cutOf(reread.findings, object));
  const lost: RebuiltPartition['lost'][number][] = [];
  let letters = 0;
  for (const gap of gaps) {
    if (gap.is === 'lost') {
      const why = `offsets ${gap.start} to ${gap.end} are in no object, and had left the topic when the manifest was rebuilt`;
      lost.push({ start: gap.start, end: gap.end, why });
    } else if (gap.is === 'expired') {
      cuts.push({ ...emptyCut(reread.findings, gap, 0), expired: true });
    } else if (gap.is === 'empty') {
      cuts.push(emptyCut(reread.findings, gap, gap.deadLetters));
    } else {
      const landed = await landGap(reread, gap);
      cuts.push(...landed.cuts);
      letters += landed.letters;
    }
  }
  for (const object of withLetters(plan)) letters += await findLetters(reread, object);
  cuts.sort((a, b) => a.start - b.start);
  return { partition: { topicId, partition, logStart, next, cuts, lost }, letters };
}

function cutOf({ request, schemas }: Findings, object: FoundObject): RebuiltCut {
  const { start, end, rows, bytes, inputSha256, format, modifiedAt, deadLetters = 0, parts } = object;
  const newest = schemas.at(-1)?.version ?? '';
  return {
    ...{ start, end, rows, bytes, inputSha256, deadLetters, at: modifiedAt, objects: parts },
    encoder: object.encoder ?? encoderSettings({ format }),
    schemaVersion: object.schemaVersion ?? assumed(request, { version: newest }),
  };
}

function emptyCut({ request }: Findings, { start, end }: Range, deadLetters: number): RebuiltCut {
  const inputSha256 = createHash('sha256').digest('hex');
  const encoder = encoderSettings(request.spec.lake);
  const at = Date.now();
  return { start, end, rows: 0, bytes: 0, objects: [], inputSha256, encoder, schemaVersion: null, deadLetters, at };
}
