/** `headrace up`: starts the local stack, and prints its addresses; credentials only with --json. */
import { stackFolders } from '../../stack/environment.ts';
import type { ExtraServiceName, StackInfo } from '../../stack/types.ts';
import { up } from '../../stack/up.ts';
import type { CommonOptions } from '../common-options.ts';
import { catchInterrupt } from '../interrupt.ts';
import { createOutput, tableText } from '../output.ts';
import { stackProgress } from '../stack-progress.ts';

/** @param options.with a service besides the stack's own */
export async function runUp(options: CommonOptions & { with?: ExtraServiceName }): Promise<void> {
  const output = createOutput(options.json === true);
  const interrupt = catchInterrupt(() => output.note('Stopping what was started…'));
  try {
    const { signal } = interrupt;
    const extra = options.with === undefined ? [] : [options.with];
    const folders = stackFolders();
    const info = await up({ ...folders, extra, onProgress: stackProgress(output), signal });
    output.result(
      info,
      () =>
        `${addresses(info)}\n\nIts data and logs: ${folders.home}\nNext: npx headrace migrate, then npx headrace worker (or npx headrace demo). Passwords: npx headrace up --json.`,
    );
  } finally {
    interrupt.release();
  }
}

function addresses({ temporal, kafka, s3, postgres, mysql = { sales: '', warehouse: '' } }: StackInfo): string {
  const withoutPassword = (url: string): string => url.replace(/:[^:@/]*@/, '@');
  return tableText(
    ['service', 'address'],
    [
      ['Temporal', `${temporal.address} (namespace ${temporal.namespace})`],
      ['Temporal UI', temporal.ui],
      ['Kafka', kafka.brokers.join(',')],
      ['S3', `${s3.endpoint} (bucket ${s3.bucket})`],
      ['S3 console', s3.console],
      ...Object.entries(postgres).map(([name, url]) => [`PostgreSQL ${name}`, withoutPassword(url)]),
      ...Object.entries(mysql).map(([name, url]) => [
        `MariaDB ${name} (connection mysql-${name})`,
        withoutPassword(url),
      ]),
    ].filter(([, address]) => address !== ''),
  );
}
