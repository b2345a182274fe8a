/** How a dataset's landing is shared out, and what a running one may not be asked to change. Pure. */
import { ApplicationFailure } from '@temporalio/workflow';
import { datasetOf, type LandingSpec } from '../contracts/pipeline.ts';

/** Deals partitions out, one by one, so that shares differ by one at most. */
export function divide(partitions: number, parallelism: number): number[][] {
  const shares: number[][] = Array.from({ length: Math.min(partitions, parallelism) }, () => []);
  for (let partition = 0; partition < partitions; partition += 1) shares[partition % shares.length]?.push(partition);
  return shares;
}

/** How files are cut and encoded may change at any time; what and where may not. */
export function checkSame(dataset: string, mine: LandingSpec, wanted: LandingSpec): void {
  const faults = [
    ...(datasetOf(wanted.lake) === dataset ? [] : [`it lands ${dataset}, not ${datasetOf(wanted.lake)}`]),
    ...(wanted.topic.name === mine.topic.name ? [] : [`it lands topic ${mine.topic.name}, not ${wanted.topic.name}`]),
  ];
  if (faults.length === 0) return;
  const message = `land/${dataset} is running with other settings: ${faults.join('; ')}; give each topic a prefix of its own`;
  throw ApplicationFailure.nonRetryable(message, 'SettingsMismatch');
}
