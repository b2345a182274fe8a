/** A worker in the command's own process (--with-worker, demo): it is there before `work` begins and drained after it. */
import type { Settings } from '../contracts/settings.ts';
import { messageOf } from '../contracts/errors.ts';
import { EXIT } from './exit-codes.ts';
import { CommandEnd } from './failure.ts';
import { catchInterrupt } from './interrupt.ts';
import { ensureKafkaClient } from './kafka-client.ts';
import type { Output } from './output.ts';
import { serviceAddresses, unreachable } from '../workers/reachable.ts';
import type { LogEntry } from './worker-log.ts';

/** Warnings are left to the follower, which tells each cause once; errors are shown. */
const SHOWN_LEVEL = 'ERROR';

/** @throws what broke the worker down, even while `work` still waits */
export async function withEmbeddedWorker<T>(settings: Settings, output: Output, work: () => Promise<T>): Promise<T> {
  await ensureKafkaClient(settings, output);
  for (const { message } of await unreachable(serviceAddresses(settings))) output.note(`warning: ${message}`);
  const { startWorker } = await import('../workers/run-worker.ts');
  const { createWorkerLog } = await import('./worker-log.ts');
  const log = createWorkerLog(process.stderr.isTTY && !output.json);
  const logErrors = (entry: LogEntry): void => {
    if (entry.level === SHOWN_LEVEL) log(entry);
  };
  const worker = await startWorker({ settings, log: logErrors, logLevel: SHOWN_LEVEL });
  const brokenDown = new Promise<never>((_, reject) => {
    worker.done.catch((error: unknown) =>
      reject(new Error(`the worker broke down: ${messageOf(error)}`, { cause: error })),
    );
  });
  try {
    return await Promise.race([work(), brokenDown]);
  } catch (error) {
    // Draining takes up to 10 s: what is to be known is said before, for whoever presses Ctrl-C again.
    if (!(error instanceof CommandEnd) || output.json) throw error;
    output.note(`${error.message}\nThe worker is drained first; Ctrl-C again ends at once, which is safe.`);
    throw new CommandEnd(error.exitCode, error.name, 'the worker is drained');
  } finally {
    const { release } = catchInterrupt(() => process.exit(EXIT.interrupted));
    await worker.shutdown().catch(() => undefined); // already told by `brokenDown`
    release();
  }
}
