/** The local stack, started for real: side by side, found again, mended, interrupted, and gone when it is told to go. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { down } from '../../stack/down.ts';
import { givenServices, stackFolders } from '../../stack/environment.ts';
import { startService, stopService } from '../../stack/fault-controls.ts';
import { isAlive } from '../../stack/process-identity.ts';
import { StackInterrupted } from '../../stack/stack-error.ts';
import { loadState, saveState, stateFileOf, type StackStateFile } from '../../stack/state.ts';
import { SERVICE_NAMES, type StackEvent, type StackInfo } from '../../stack/types.ts';
import { up } from '../../stack/up.ts';
import { getText, highWatermark, produce, putNew, query, startWorkflow, workflowStatus } from './clients.ts';
import { newHome, processesOf } from './processes.ts';

const { cache } = stackFolders();
const given = { postgres: {} };
const home = newHome('a');
const other = newHome('b');
let info: StackInfo;
let otherInfo: StackInfo;

/** Runs `up` and says which services it found, and which it had to start. */
async function upAgain(): Promise<{ found: string[]; started: string[]; info: StackInfo; seconds: number }> {
  const events: StackEvent[] = [];
  const begun = performance.now();
  const again = await up({ home, cache, given, onProgress: (event) => events.push(event) });
  const services = (state: string): string[] =>
    events.filter((event) => event.state === state).map((event) => event.service);
  const seconds = (performance.now() - begun) / 1000;
  return { found: services('found').sort(), started: services('ready').sort(), info: again, seconds };
}

function state(): StackStateFile {
  const loaded = loadState(home);
  if (loaded === undefined) throw new Error(`no state in ${home}`);
  return loaded;
}

beforeAll(async () => {
  vi.stubEnv('HEADRACE_STACK', 'native');
  [info, otherInfo] = await Promise.all([up({ home, cache, given }), up({ home: other, cache, given })]);
}, 600_000);

afterAll(async () => {
  await Promise.all([home, other].map((folder) => down({ home: folder, purge: true })));
  vi.unstubAllEnvs();
}, 120_000);

describe('two stacks side by side', () => {
  test('every service of both can be used, and they are not the same', async () => {
    for (const [stack, mark] of [
      [info, 'a'],
      [otherInfo, 'b'],
    ] as const) {
      await query(stack.postgres.sales, `create table kept as select '${mark}' as mark`);
      await putNew(stack, 'kept', mark);
      await produce(stack, 'kept', mark);
      await startWorkflow(stack, 'kept');
    }
    expect(await query(info.postgres.sales, 'select mark from kept')).toEqual([{ mark: 'a' }]);
    expect(await query(otherInfo.postgres.sales, 'select mark from kept')).toEqual([{ mark: 'b' }]);
    expect(await getText(otherInfo, 'kept')).toBe('b');
    await expect(putNew(info, 'kept', 'again')).rejects.toMatchObject({ name: 'PreconditionFailed' });
  }, 60_000);

  test('the pages of both answer', async () => {
    for (const page of [info.temporal.ui, info.s3.console, otherInfo.temporal.ui, otherInfo.s3.console]) {
      expect((await fetch(page)).status, page).toBe(200);
    }
  });

  test('passwords are readable by their owner only, and a role enters its own database only', async () => {
    expect(statSync(stateFileOf(home)).mode & 0o777).toBe(0o600);
    const asControl = info.postgres.control.replace(/\/control$/, '/sales');
    await expect(query(asControl, 'select 1')).rejects.toThrow(/permission denied for database "sales"/);
    const [role] = await query(info.postgres.sales, 'select rolsuper from pg_roles where rolname = current_user');
    expect(role).toEqual({ rolsuper: false });
  });

  test('stopping one leaves the other alone', async () => {
    await down({ home: other, purge: true });
    expect(processesOf(other)).toEqual([]);
    expect(existsSync(other)).toBe(false);
    expect(await query(info.postgres.sales, 'select mark from kept')).toEqual([{ mark: 'a' }]);
  }, 60_000);
});

describe('up on a stack that is there', () => {
  test('finds all of a running one in under two seconds, with the same answer', async () => {
    const again = await upAgain();
    expect(again.found).toEqual([...SERVICE_NAMES].sort());
    expect(again.started).toEqual([]);
    expect(again.info).toEqual(info);
    expect(again.seconds).toBeLessThan(2);
  });

  test('a shell that holds its variables does not make it a stack of the user’s own', () => {
    expect(givenServices(info.env)).toEqual({ postgres: {}, temporalNamespace: 'default' });
    const changed = { ...info.env, HEADRACE_KAFKA_BROKERS: 'kafka-1:9092, kafka-2:9092' };
    expect(givenServices(changed).kafkaBrokers).toEqual(['kafka-1:9092', 'kafka-2:9092']);
  });

  test('a service of the user’s own is used as it is; one that does not answer is told by its setting', async () => {
    const mixed = await up({ home, cache, given: { postgres: { sales: info.postgres.warehouse } } });
    expect(mixed.postgres).toEqual({ ...info.postgres, sales: info.postgres.warehouse });
    const dead = up({ home, cache, given: { postgres: {}, kafkaBrokers: ['127.0.0.1:1'] } });
    await expect(dead).rejects.toThrow(/HEADRACE_KAFKA_BROKERS: 127\.0\.0\.1:1: .*ECONNREFUSED/);
  });

  test('starts killed services again, on their ports and with their data, and only them', async () => {
    for (const name of ['postgres', 'kafka', 's3', 'temporal'] as const) await stopService(home, name, 'SIGKILL');
    await startService(home, 'temporal');
    const again = await upAgain();
    expect(again.found).toEqual(['temporal']);
    expect(again.started).toEqual(['kafka', 'postgres', 's3']);
    expect(again.info).toEqual(info);
    expect(await query(info.postgres.sales, 'select mark from kept')).toEqual([{ mark: 'a' }]);
    expect(await getText(info, 'kept')).toBe('a');
    // The message and the marker of its transaction.
    expect(await highWatermark(info, 'kept')).toBe('2');
    expect(await workflowStatus(info, 'kept')).toBe('RUNNING');
  }, 60_000);

  test('a stopped service is deaf until it is woken, and is the same process then', async () => {
    const before = state().processes.postgres;
    await stopService(home, 'postgres', 'SIGSTOP');
    await expect(query(info.postgres.sales, 'select 1')).rejects.toThrow(/timeout/);
    await startService(home, 'postgres');
    expect(state().processes.postgres).toEqual(before);
    expect(await query(info.postgres.sales, 'select 1 as one')).toEqual([{ one: 1 }]);
  }, 60_000);

  test('a service that does not come up is told with its port, or with the end of its log', async () => {
    await stopService(home, 's3', 'SIGTERM');
    const squatter = createServer().listen(Number(new URL(info.s3.endpoint).port), '127.0.0.1');
    await expect(upAgain()).rejects.toThrow(/minio cannot listen on its port 127\.0\.0\.1:\d+: something else does/);
    await new Promise((resolve) => squatter.close(resolve));

    await stopService(home, 'postgres', 'SIGTERM');
    const version = join(state().postgresData ?? '', 'data', 'PG_VERSION');
    writeFileSync(version, '9.6\n');
    await expect(upAgain()).rejects.toThrow(/postgres ended while it was starting.*database files are incompatible/s);
    writeFileSync(version, '18\n');
    expect((await upAgain()).info).toEqual(info);
  }, 60_000);
});

describe('processes that are not the stack’s', () => {
  test('down leaves a stranger alone that has the pid of a service', async () => {
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
    try {
      await stopService(home, 's3', 'SIGTERM');
      const recorded = state();
      const identity = recorded.processes.kafka?.identity ?? '';
      recorded.processes.s3 = { pid: stranger.pid ?? 0, identity, ready: true };
      saveState(home, recorded);
      await down({ home, purge: false });
      expect(stranger.exitCode).toBeNull();
      expect(stranger.signalCode).toBeNull();
      expect(processesOf(home)).toEqual([]);
    } finally {
      stranger.kill();
    }
  }, 60_000);
});

describe('an interrupted up', () => {
  test('stops what it had begun and says so; the next one finds data and ports as they were', async () => {
    const interrupt = new AbortController();
    const pids: NonNullable<StackStateFile['processes']['kafka']>[] = [];
    const onProgress = ({ service, state: reached }: StackEvent): void => {
      if (service !== 'postgres' || reached !== 'ready') return;
      pids.push(...Object.values(state().processes));
      interrupt.abort();
    };
    const interrupted = up({ home, cache, given, signal: interrupt.signal, onProgress });
    await expect(interrupted).rejects.toThrow(StackInterrupted);
    await expect(interrupted).rejects.toThrow(/stopped what was being started: .*kafka/);
    expect(pids.length).toBeGreaterThan(1);
    expect(pids.filter((owned) => isAlive(owned))).toEqual([]);
    expect(processesOf(home)).toEqual([]);
    expect((await upAgain()).info).toEqual(info);
    expect(await query(info.postgres.sales, 'select mark from kept')).toEqual([{ mark: 'a' }]);
  }, 60_000);

  test('down --purge leaves neither process nor file, and nothing is needed for a second one', async () => {
    const data = state().postgresData ?? '';
    await down({ home, purge: true });
    expect(processesOf(home)).toEqual([]);
    expect([existsSync(home), existsSync(data)]).toEqual([false, false]);
    await down({ home, purge: true });
  }, 60_000);
});

test('a MariaDB that an earlier up was asked for is told of by an up that does not start it', async () => {
  const { mysql } = await up({ home: other, cache, given, services: [], extra: ['mariadb'] });
  expect(mysql).toBeDefined();
  const told = async (): Promise<string[]> => {
    const events: StackEvent[] = [];
    await up({ home: other, cache, given, services: [], onProgress: (event) => events.push(event) });
    return events.filter(({ service }) => service === 'mariadb').map(({ detail }) => detail);
  };
  expect(await told()).toEqual([]);
  await stopService(other, 'mariadb', 'SIGTERM');
  expect((await told()).join()).toMatch(/is not started; headrace up --with mariadb starts it/);
}, 120_000);

test('the image of every service is pinned in docker-compose.yml', () => {
  const compose = readFileSync(join(import.meta.dirname, '../../docker-compose.yml'), 'utf8');
  const images = [...compose.matchAll(/^\s+image: (\S+)$/gm)].map((match) => match[1]);
  expect(images).toHaveLength(5);
  for (const image of images) expect(image).toMatch(/:(\d+\.\d+|RELEASE\.)/);
});
