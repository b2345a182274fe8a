/** What is wrong otherwise than by a crash, half-way through a run: full disks, passwords, tables and topics gone, the clock. */
import { kafkaAdmin } from './raw-kafka.ts';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { expect } from 'vitest';
import { workflowIds } from '../../contracts/temporal.ts';
import { startService, stopService } from '../../stack/fault-controls.ts';
import { required } from '../replay/setting.ts';
import { expectFailed, expectNothingTwice, expectRecovered, type Failed, runAgain, stopAt } from './broken-run.ts';
import type { Slot } from './slot.ts';
import { mountSmallDisk, type SmallDisk } from './small-disk.ts';

export interface OddCell {
  name: string;
  work: (slot: Slot) => Promise<{ what: string; recoverySeconds?: number }>;
}

const HOURS_MS = 3_600_000;
/** Long enough for several attempts. */
const TROUBLE_MS = 8_000;

const told = ({ type, message, seconds }: Failed): string =>
  `failed after ${seconds.toFixed(1)} s: ${type}: ${message.slice(0, 160)}`;

async function expectOpen(
  { services }: Slot,
  { pipeline, replayId }: { pipeline: { name: string }; replayId: string },
) {
  const { status } = await services.temporal.workflow.getHandle(workflowIds.run(pipeline.name, replayId)).describe();
  expect(status.name).toBe('RUNNING');
}

/** The password of a database's role is changed under running workers, then changed back. */
function wrongPassword(role: 'sales' | 'warehouse' | 'control', step: string, nth: number): OddCell {
  const variables = {
    sales: 'HEADRACE_CONNECTION_SALES',
    warehouse: 'HEADRACE_CONNECTION_WAREHOUSE',
    control: 'HEADRACE_CONTROL_URL',
  };
  return {
    name: `wrong password: ${role}, half-way`,
    async work(slot) {
      const { username, password } = new URL(required(variables[role]));
      const admin = await slot.services[role].connect(); // stays connected while nobody else can
      try {
        const { run, goOn } = await stopAt(slot, step, nth);
        await admin.query(`ALTER ROLE "${username}" PASSWORD 'no longer the one'`);
        for (const name of ['source', 'warehouse', 'control'] as const) slot.links[name].reset();
        goOn();
        const failed = await expectFailed(slot, run).finally(async () => {
          await admin.query(`ALTER ROLE "${username}" PASSWORD '${password}'`);
        });
        expect(failed.type).toBe('AccessDenied');
        const recoverySeconds = await runAgain(slot, run);
        return {
          what: `${told(failed)}; the same command again, once the password was right, ended well`,
          recoverySeconds,
        };
      } finally {
        admin.release(true);
      }
    },
  };
}

/** Something is taken away for good: the run must fail, and say why. */
function takenAway(name: string, step: string, nth: number, types: readonly string[], take: TakeAway): OddCell {
  return {
    name,
    async work(slot) {
      const { run, lines, goOn } = await stopAt(slot, step, nth);
      const left = await take(slot, run.pipeline.name);
      goOn();
      const failed = await expectFailed(slot, run);
      expect(types).toContain(failed.type);
      return { what: `${told(failed)}; ${await expectNothingTwice(slot, run, lines, left)}` };
    },
  };
}
type TakeAway = (slot: Slot, name: string) => Promise<{ topic?: boolean; warehouse?: boolean }>;

function clockMoved(name: string, byMs: number): OddCell {
  return {
    name,
    async work(slot) {
      const file = join(slot.services.folder, `clock-${byMs}`);
      const script = pathToFileURL(join(import.meta.dirname, 'clock.mjs')).href;
      await slot.killCrew();
      await slot.hire({ HEADRACE_TEST_CLOCK: file, NODE_OPTIONS: `--import ${script}` });
      const { run, goOn } = await stopAt(slot, 'begun', 4);
      writeFileSync(file, String(byMs));
      await sleep(1_000); // it is looked at twice a second
      goOn();
      const recoverySeconds = await expectRecovered(slot, run);
      await slot.killCrew();
      return { what: 'went on', recoverySeconds };
    },
  };
}

/** Full in the middle of a cut, then free again. */
async function fillWhilePutting(slot: Slot, disk: SmallDisk): Promise<{ what: string; recoverySeconds: number }> {
  const { run, goOn } = await stopAt(slot, 'object put', 2);
  disk.fill();
  goOn();
  await sleep(TROUBLE_MS);
  await expectOpen(slot, run);
  disk.free();
  const recoverySeconds = await expectRecovered(slot, run);
  return { what: 'tried again until there was space', recoverySeconds };
}

export const ODD_CELLS: readonly OddCell[] = [
  {
    name: 'scratch space full',
    async work(slot) {
      const disk = mountSmallDisk(mkdtempSync(join(slot.services.folder, 'scratch-')), 16);
      try {
        await slot.killCrew();
        await slot.hire({ HEADRACE_SCRATCH: disk.folder });
        return await fillWhilePutting(slot, disk);
      } finally {
        await slot.killCrew();
        disk.unmount();
      }
    },
  },
  {
    name: 'object store out of space',
    async work(slot) {
      const home = required('HEADRACE_HOME');
      const data = join(home, 'minio');
      const copy = join(home, 'minio-copy');
      await stopService(home, 's3', 'SIGTERM');
      mkdirSync(copy, { recursive: true });
      cpSync(data, copy, { recursive: true });
      const disk = mountSmallDisk(data, 256);
      cpSync(copy, data, { recursive: true });
      await startService(home, 's3');
      try {
        return await fillWhilePutting(slot, disk);
      } finally {
        await stopService(home, 's3', 'SIGTERM');
        disk.unmount();
        rmSync(copy, { recursive: true });
        await startService(home, 's3');
      }
    },
  },
  wrongPassword('sales', 'begun', 4),
  wrongPassword('control', 'begun', 4),
  wrongPassword('warehouse', 'ledger moved', 1),
  {
    name: 'wrong password: object store, half-way',
    async work(slot) {
      const { run } = await stopAt(slot, 'object put', 2);
      await slot.killCrew();
      slot.trap.disarm();
      await slot.hire({ AWS_SECRET_ACCESS_KEY: 'no-longer-the-one' });
      const failed = await expectFailed(slot, run);
      expect(failed.type).toBe('AccessDenied');
      await slot.killCrew();
      await slot.hire();
      const recoverySeconds = await runAgain(slot, run);
      return { what: `${told(failed)}; the same command again with the right one ended well`, recoverySeconds };
    },
  },
  takenAway(
    'topic deleted under replay and landing',
    'begun',
    4,
    ['TopicRecreated', 'TopicMissing'],
    async (_slot, name) => {
      await kafkaAdmin((admin) => admin.deleteTopics({ topics: [name] }));
      return { topic: false };
    },
  ),
  takenAway('topic deleted and made anew', 'begun', 4, ['TopicRecreated'], async (_slot, name) => {
    await kafkaAdmin(async (admin) => {
      await admin.deleteTopics({ topics: [name] });
      // kafkajs asks for the leaders at once, and takes those of the topic that is gone for an error.
      await admin.createTopics({ waitForLeaders: false, topics: [{ topic: name, numPartitions: 3 }] });
    });
    return { topic: false };
  }),
  takenAway('source table dropped', 'begun', 4, ['TableMissing'], async ({ services }, name) => {
    await services.sales.query(`DROP TABLE ${name}`);
    return {};
  }),
  takenAway('source table altered: a column more', 'begun', 4, ['SourceChanged'], async ({ services }, name) => {
    await services.sales.query(`ALTER TABLE ${name} ADD COLUMN note text`);
    return {};
  }),
  takenAway(
    'source table altered: a column of another type',
    'begun',
    4,
    ['SourceChanged'],
    async ({ services }, name) => {
      await services.sales.query(`ALTER TABLE ${name} ALTER COLUMN amount TYPE text`);
      return {};
    },
  ),
  takenAway(
    'warehouse table dropped',
    'ledger moved',
    2,
    ['TableMissing', 'TableUnsuited'],
    async ({ services }, name) => {
      await dropUnlocked(services.warehouse, `DROP TABLE mart.${name}`);
      return { warehouse: false };
    },
  ),
  takenAway(
    'warehouse table altered: a column less',
    'ledger moved',
    2,
    ['TableUnsuited'],
    async ({ services }, name) => {
      await dropUnlocked(services.warehouse, `ALTER TABLE mart.${name} DROP COLUMN amount`);
      return { warehouse: false };
    },
  ),
  clockMoved('clock a day ahead', 24 * HOURS_MS),
  clockMoved('clock a day behind', -24 * HOURS_MS),
];

/** A load that is stopped in its transaction may hold the table; then the user's statement would wait for it. */
async function dropUnlocked(pool: Slot['services']['warehouse'], statement: string): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(`SET lock_timeout = '5s'`);
    await client.query(statement);
    await client.query('RESET lock_timeout');
  } finally {
    client.release();
  }
}
