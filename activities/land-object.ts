/**
 * Names, metadata and the judging of lake objects. An object of the same name is ours if its rows and input hash are the
 * cut's (kept as metadata: the Parquet bytes change with the encoder's version); anything else is a named fault.
 */
import { countText } from '../contracts/count-words.ts';
import { fault } from '../contracts/errors.ts';
import type { LandingSpec } from '../contracts/pipeline.ts';
import { type ObjectMetadata, readMetadata, writeMetadata } from '../formats/object-facts.ts';
import type { ObjectStore } from './ports/object-store.ts';

/** What two who put one object must agree on. */
export interface ObjectFacts extends Pick<ObjectMetadata, 'rows' | 'inputSha256'> {
  name: string;
}

type Judgement = 'same' | 'other' | 'absent';

export async function judgeObject(store: ObjectStore, bucket: string, facts: ObjectFacts): Promise<Judgement> {
  const found = await store.head(bucket, facts.name);
  if (!found) return 'absent';
  const said = readMetadata(found.metadata);
  return said?.rows === facts.rows && said.inputSha256 === facts.inputSha256 ? 'same' : 'other';
}

/**
 * Puts the file, or accepts the object that is there.
 * @throws Fault ObjectConflict when an object of that name holds something else
 */
export async function putObject(
  store: ObjectStore,
  lake: LandingSpec['lake'],
  facts: ObjectFacts & ObjectMetadata,
  path: string,
): Promise<void> {
  if ((await store.putIfAbsent(lake.bucket, facts.name, path, writeMetadata(facts))) === 'created') return;
  const judgement = await judgeObject(store, lake.bucket, facts);
  if (judgement === 'same') return;
  const object = `s3://${lake.bucket}/${facts.name}`;
  if (judgement === 'absent') throw fault('StoreUnavailable', `${object} was there and is gone; trying again`);
  throw fault(
    'ObjectConflict',
    `${object} exists with other contents (expected ${countText(facts.rows, 'row')} of input ${facts.inputSha256}); Headrace did not ` +
      'write it for this manifest: move it away, or land to another prefix',
  );
}
