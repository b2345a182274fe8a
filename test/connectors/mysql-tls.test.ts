/** TLS to MariaDB by the address's options and by `tls`: what is encrypted, and which servers are refused, with what would help. */
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeDatabase, openDatabase, texts, withConnection } from '../../connectors/mysql/pool.ts';
import { messageOf } from '../../contracts/errors.ts';
import type { TlsSettings } from '../../contracts/settings.ts';
import { stackFolders } from '../../stack/environment.ts';
import { down } from '../../stack/down.ts';
import { mariadbOf } from '../../stack/addresses.ts';
import { MARIADB_CERTIFICATE } from '../../stack/services/mariadb.ts';
import { serverUser } from '../../stack/services/postgres-user.ts';
import { loadState } from '../../stack/state.ts';
import { up } from '../../stack/up.ts';
import { createAuthority } from './certificates.ts';

const home = mkdtempSync(join(tmpdir(), 'headrace-mysql-tls-'));
const authority = createAuthority('Test authority');
const stranger = createAuthority('Another authority');
const authorityFile = join(home, 'ca.pem');
const strangerFile = join(home, 'stranger.pem');
let address: URL;

/** Whose the server's certificate is, and not localhost's. */
const HOST = '127.0.0.1';

const stack = { home, cache: stackFolders().cache, services: [], extra: ['mariadb'] as const };

/** Starts the server again, with a certificate of the host. */
async function restartAs(host: string): Promise<void> {
  await down({ home, purge: false });
  const state = loadState(home);
  const folder = state === undefined ? '' : (mariadbOf(state).data ?? '');
  const user = serverUser();
  const { cert, key } = authority.issue('mariadb', [host]);
  for (const [name, pem] of [
    [MARIADB_CERTIFICATE.cert, cert],
    [MARIADB_CERTIFICATE.key, key],
  ] as const) {
    writeFileSync(join(folder, name), pem, { mode: 0o600 });
    if (user !== undefined) chownSync(join(folder, name), user.uid, user.gid);
  }
  const { mysql } = await up(stack);
  address = new URL(mysql?.sales ?? '');
}

beforeAll(async () => {
  await up(stack);
  writeFileSync(authorityFile, authority.cert);
  writeFileSync(strangerFile, stranger.cert);
  await restartAs(HOST);
}, 120_000);
afterAll(async () => {
  await down({ home, purge: true });
  rmSync(home, { recursive: true, force: true });
});

/** @returns the cipher of a session, '' for plain text; or the fault's message */
async function cipherOf(options: Record<string, string>, tls?: TlsSettings, host = HOST): Promise<string> {
  const url = new URL(address);
  url.hostname = host;
  for (const [name, value] of Object.entries(options)) url.searchParams.set(name, value);
  const settings = { url: url.href, ...(tls === undefined ? {} : { tls }) };
  const database = openDatabase(settings, 'test', 'SourceUnavailable', 1, () => []);
  try {
    const [row] = await withConnection(database, 'looking at the session', (connection) =>
      texts(connection, `SHOW SESSION STATUS LIKE 'Ssl_cipher'`),
    );
    return row?.[1] ?? '';
  } catch (error) {
    expect(error).toMatchObject({ code: 'SourceUnavailable' });
    return messageOf(error);
  } finally {
    await closeDatabase(database);
  }
}

const ENCRYPTED = /^TLS_/;

describe('by the address', () => {
  test('plain text unless it says otherwise', async () => {
    expect(await cipherOf({})).toBe('');
    expect(await cipherOf({ 'ssl-mode': 'disabled' })).toBe('');
  });

  test.each([
    ['required', {}],
    ['verify-ca', { 'ssl-mode': 'verify-ca', 'ssl-ca': 'ca' }],
    ['verify-identity', { 'ssl-mode': 'VERIFY_IDENTITY', 'ssl-ca': 'ca' }],
    ['an authority alone', { 'ssl-ca': 'ca' }],
  ])('%s: encrypted', async (_, options: Record<string, string>) => {
    expect(await cipherOf(withFiles(Object.keys(options).length > 0 ? options : { 'ssl-mode': 'required' }))).toMatch(
      ENCRYPTED,
    );
  });

  test.each([
    ['verify-ca without its authority', { 'ssl-mode': 'verify-ca' }, HOST],
    ['verify-ca, of another authority', { 'ssl-mode': 'verify-ca', 'ssl-ca': 'stranger' }, HOST],
    ['another authority alone', { 'ssl-ca': 'stranger' }, HOST],
    ['verify-identity, of another authority', { 'ssl-mode': 'verify-identity', 'ssl-ca': 'stranger' }, HOST],
  ])('%s: refused, with what would help', async (_, options: Record<string, string>, host) => {
    expect(await cipherOf(withFiles(options), undefined, host)).toMatch(/certificate.*name its authority.*ssl-ca/);
  });

  test('the right authority, and another host: refused by verify-identity only', async () => {
    const identity = withFiles({ 'ssl-mode': 'verify-identity', 'ssl-ca': 'ca' });
    expect(await cipherOf(identity, undefined, 'localhost')).toMatch(/altnames.*another host.*verify-ca/);
    expect(await cipherOf(withFiles({ 'ssl-mode': 'verify-ca', 'ssl-ca': 'ca' }), undefined, 'localhost')).toMatch(
      ENCRYPTED,
    );
  });
});

test('by tls: the host is checked, unless verify says not', async () => {
  expect(await cipherOf({}, { verify: true, ca: authority.cert })).toMatch(ENCRYPTED);
  expect(await cipherOf({}, { verify: true, ca: authority.cert }, 'localhost')).toMatch(/another host/);
  expect(await cipherOf({ 'ssl-mode': 'disabled' }, { verify: true, ca: stranger.cert })).toMatch(/name its authority/);
  expect(await cipherOf({}, { verify: false })).toMatch(ENCRYPTED);
});

test('a certificate of a name is not its address’s', async () => {
  await restartAs('localhost');
  const identity = withFiles({ 'ssl-mode': 'verify-identity', 'ssl-ca': 'ca' });
  expect(await cipherOf(identity, undefined, 'localhost')).toMatch(ENCRYPTED);
  expect(await cipherOf(identity)).toMatch(/another host/);
}, 60_000);

function withFiles(options: Record<string, string>): Record<string, string> {
  const files: Record<string, string> = { ca: authorityFile, stranger: strangerFile };
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, files[value] ?? value]));
}
