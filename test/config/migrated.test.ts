/** A worker does not start on a control database of an older version: every statement would fail, and be tried for ever. */
import { expect, it } from 'vitest';
import { requireMigrated } from '../../workers/migrate.ts';
import { database } from '../load/services.ts';

it('passes a database that is up to date', async () => {
  await expect(requireMigrated({ control: database('CONTROL_URL') })).resolves.toBeUndefined();
});

it('refuses one that is not, naming what is missing and the remedy', async () => {
  const refused = requireMigrated({ control: database('CONNECTION_WAREHOUSE') });
  await expect(refused).rejects.toMatchObject({ code: 'ConfigInvalid' });
  await expect(refused).rejects.toThrow(/0001-control\.sql.*run headrace migrate/);
});

it('passes one that cannot be asked: it may come later', async () => {
  const nobody = { url: 'postgres://control@127.0.0.1:1/control' };
  await expect(requireMigrated({ control: nobody })).resolves.toBeUndefined();
});
