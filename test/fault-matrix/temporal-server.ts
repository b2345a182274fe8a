/**
 * A Temporal server of the matrix's own, on which histories are cut after few events, as that of a run of a million chunks is:
 * the stack's lets them grow to thousands. It keeps what it has in a file, so that it can be killed and come back.
 */
import { Connection } from '@temporalio/client';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childEnvironment, stackFolders } from '../../stack/environment.ts';
import { choosePorts } from '../../stack/ports.ts';
import { eventually } from '../e2e/services.ts';

export interface TemporalServer {
  address: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Resolves when it answers. */
  start(): Promise<void>;
  /** For good. */
  stop(): Promise<void>;
}

const CONTINUE_AS_NEW_AFTER_EVENTS = 60;
const START_SECONDS = 60;

export async function startTemporalServer(): Promise<TemporalServer> {
  const { cache } = stackFolders();
  const program = readdirSync(cache).find((name) => /^temporal-[\d.]+-/.test(name) && !name.includes('.lock')) ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'headrace-temporal-'));
  const { server, http } = await choosePorts(['server', 'http']);
  const address = `127.0.0.1:${server}`;
  const args = [
    ...[
      'server',
      'start-dev',
      '--headless',
      '--ip',
      '127.0.0.1',
      '--port',
      String(server),
      '--http-port',
      String(http),
    ],
    ...['--db-filename', join(folder, 'temporal.db')],
    ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=2', '--log-level', 'error'],
    ...['--dynamic-config-value', `limit.historyCount.suggestContinueAsNew=${CONTINUE_AS_NEW_AFTER_EVENTS}`],
  ];
  let running: ChildProcess | undefined;
  const die = (): void => void running?.kill('SIGKILL');
  process.once('exit', die);
  const started: TemporalServer = {
    address,
    async kill() {
      const gone = new Promise((resolve) => running?.once('exit', resolve));
      die();
      await gone;
    },
    async start() {
      running = spawn(join(cache, program, 'temporal'), args, { env: childEnvironment(), stdio: 'ignore' });
      await eventually(`Temporal at ${address} answers`, START_SECONDS, async () => {
        const connection = await Connection.connect({ address, connectTimeout: 1_000 }).catch(() => undefined);
        await connection?.close();
        return connection && true;
      });
    },
    async stop() {
      process.off('exit', die);
      await started.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await started.start();
  return started;
}
