/** Where verify spares the warehouse the canonical hash (decision 0008), and that it takes nothing for proven that is not. */
import type { PrunePorts } from '../../activities/verify-prune.ts';
import { verifyReplay } from '../../activities/verify-replay.ts';
import type { VerifyReport } from '../../contracts/temporal.ts';
import { idlePulse } from '../load/test-lake.ts';
import { describe, expect, it } from 'vitest';
import { CLEAN, key, lake, openLake, qualified, replayAndLoad, source, useLake, warehouse } from './setting.ts';

useLake();

describe('source and warehouse hash rows alike', () => {
  /** How often the warehouse was hashed canonically. */
  async function verifyCounting(): Promise<{ report: VerifyReport; canonical: number }> {
    let canonical = 0;
    const ports: PrunePorts = {
      ...lake.verifyPorts,
      openWarehouseHashes: (name) => {
        const hashes = lake.verifyPorts.openWarehouseHashes(name);
        const view: typeof hashes.view = async (request) => {
          const view = await hashes.view(request);
          return view && { ...view, sums: (buckets) => ((canonical += 1), view.sums(buckets)) };
        };
        return { ...hashes, view };
      },
    };
    const report = await verifyReplay(ports, { spec: lake.spec }, idlePulse());
    return { report, canonical };
  }

  it('spares the warehouse the canonical hash where equality follows without', async () => {
    // A transaction of another test that runs when the replay begins takes the proof away: then once more.
    for (let attempt = 0; attempt < 10; attempt++) {
      await replayAndLoad();
      const { report, canonical } = await verifyCounting();
      expect(report).toMatchObject({ ...CLEAN, rows: { source: 200, landed: 200, loaded: 200 } });
      if (canonical === 0) return;
      await lake.close();
      await openLake();
    }
    expect.fail('each of ten was hashed canonically');
  });

  it('takes nothing for proven where source and warehouse were changed alike behind the lake', async () => {
    await replayAndLoad();
    for (const sql of [source, warehouse]) await sql(`UPDATE sales SET name = 'both' WHERE id = 7`);
    const { report, canonical } = await verifyCounting();
    expect(report).toMatchObject({ different: 1, examples: { different: [key('Zoë', 7)] }, ok: false });
    expect(canonical).toBeGreaterThan(0);
  });

  it('takes nothing for proven where a row that was published is no longer in the scope', async () => {
    await replayAndLoad({ where: 'price < 20' });
    await source(`UPDATE sales SET price = 1000 WHERE id = 7`);
    await warehouse(`DELETE FROM sales WHERE id = 7`);
    const { report } = await verifyCounting();
    expect(report).toMatchObject({ missing: 1, examples: { missing: [key('Zoë', 7)] }, ok: false });
  });

  it('takes nothing for proven where another table, as old, took the place of the source', async () => {
    const staging = `${lake.schema}.staging`;
    await lake.sales.query(`CREATE TABLE ${staging} (LIKE ${qualified} INCLUDING ALL)`);
    await lake.sales.query(`INSERT INTO ${staging} SELECT * FROM ${qualified}`);
    await lake.sales.query(`UPDATE ${staging} SET name = 'both' WHERE id = 7`);
    await replayAndLoad();
    await lake.sales.query(`ALTER TABLE ${qualified} RENAME TO aside; ALTER TABLE ${staging} RENAME TO sales`);
    await warehouse(`UPDATE sales SET name = 'both' WHERE id = 7`);
    const { report } = await verifyCounting();
    expect(report).toMatchObject({ different: 1, examples: { different: [key('Zoë', 7)] }, ok: false });
  });

  it('holds the lake against the warehouse where it has more than the replay', async () => {
    await replayAndLoad();
    await source(`DELETE FROM sales WHERE id = 3`);
    await warehouse(`DELETE FROM sales WHERE id IN (2, 3)`);
    await source(`DELETE FROM sales WHERE id = 2`);
    await source(`UPDATE sales SET name = 'second' WHERE id = 9`);
    const second = await replayAndLoad();
    const { report, canonical } = await verifyCounting();
    expect(report).toMatchObject({ ...CLEAN, replayId: second, rows: { source: 198, loaded: 198 } });
    expect(canonical).toBeGreaterThan(0);
  });
});
