/** `headrace down`: stops what `headrace up` started; with --purge its data goes as well. */
import { down } from '../../stack/down.ts';
import { stackFolders } from '../../stack/environment.ts';
import type { CommonOptions } from '../common-options.ts';
import { createOutput } from '../output.ts';
import { stackProgress } from '../stack-progress.ts';

export async function runDown(options: CommonOptions & { purge?: boolean }): Promise<void> {
  const output = createOutput(options.json === true);
  const { home } = stackFolders();
  const purge = options.purge === true;
  await down({ home, purge, onProgress: stackProgress(output) });
  output.result({ stopped: true, purged: purge, home }, () =>
    purge ? `Stopped; the data in ${home} is removed.` : `Stopped; the data in ${home} is kept.`,
  );
}
