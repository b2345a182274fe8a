/** The form of headrace.yaml, after the short forms were written out (settings-forms.ts) and variables were put in. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../contracts/errors.ts';
import { isMysql, KAFKA_CLIENTS, type MetricsAddress } from '../../contracts/settings.ts';
import { withoutPassword } from './problem.ts';
import { count, flag, oneOf, scalar, secret, size, text } from './values.ts';

const secretText = (allowed: string) => secret(text(allowed));

/** With one slash `postgres:/user:password@host/db` is an address, too: of a database of that whole name, which errors then show. */
const isAddress = (found: unknown): found is string =>
  typeof found === 'string' && /^[^:/]+:\/\//.test(found) && URL.canParse(found);

const POSTGRES_FORM = 'a PostgreSQL address, postgres://user:password@host:5432/database, special characters as %XX';

/** pg takes others without a word, and connects without TLS. https://www.postgresql.org/docs/current/libpq-ssl.html */
const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];

function unreadableFile(searchParams: URLSearchParams, names: readonly string[]): string | null {
  for (const name of names) {
    const path = searchParams.get(name);
    try {
      if (path !== null) readFileSync(path);
    } catch (error) {
      return `names in ${name} a file that cannot be read: ${messageOf(error)}`;
    }
  }
  return null;
}

function postgresUrlFault({ protocol, pathname, username, password, searchParams }: URL): string | null {
  if (protocol !== 'postgres:' && protocol !== 'postgresql:')
    return `found an address of kind ${protocol.slice(0, -1)}`;
  if (pathname.length <= 1) return 'names no database';
  try {
    for (const part of [username, password, pathname]) decodeURIComponent(part);
  } catch {
    return 'holds a % that begins no %XX; a % itself is %25';
  }
  const mode = searchParams.get('sslmode');
  if (mode !== null && !SSL_MODES.includes(mode))
    return `has sslmode=${mode}, which is none of ${SSL_MODES.join(', ')}`;
  const unreadable = unreadableFile(searchParams, ['sslrootcert', 'sslcert', 'sslkey']);
  if (unreadable !== null) return unreadable;
  return searchParams.has('client_encoding') ? 'sets client_encoding, which must stay UTF8' : null;
}

const postgresUrl = secret(
  scalar(POSTGRES_FORM, (found) => {
    if (!isAddress(found)) return undefined;
    const wrong = postgresUrlFault(new URL(found));
    return wrong === null ? { ok: found } : { wrong: `${wrong}; allowed: ${POSTGRES_FORM}` };
  }),
);

const DATABASE_FORM = `${POSTGRES_FORM}, or a MySQL one, mysql://user:password@host:3306/database`;
const MYSQL_FILES = ['ssl-ca', 'ssl-cert', 'ssl-key'];
const MYSQL_MODES = ['disabled', 'required', 'verify-ca', 'verify-identity'];

/** https://dev.mysql.com/doc/refman/8.4/en/connecting-using-uri-or-key-value-pairs.html; nothing else of an address is used. */
function mysqlUrlFault({ pathname, hostname, username, password, searchParams }: URL): string | null {
  if (hostname === '') return 'names no host';
  if (pathname.length <= 1) return 'names no database';
  try {
    for (const part of [username, password, pathname]) decodeURIComponent(part);
  } catch {
    return 'holds a % that begins no %XX; a % itself is %25';
  }
  const unknown = [...searchParams.keys()].find((name) => name !== 'ssl-mode' && !MYSQL_FILES.includes(name));
  if (unknown !== undefined) return `has the option ${unknown}; known are ssl-mode, ${MYSQL_FILES.join(', ')}`;
  const unreadable = unreadableFile(searchParams, MYSQL_FILES);
  if (unreadable !== null) return unreadable;
  if (searchParams.has('ssl-cert') !== searchParams.has('ssl-key'))
    return 'has one of ssl-cert and ssl-key; they go together';
  const mode = searchParams.get('ssl-mode')?.toLowerCase().replaceAll('_', '-');
  return mode === undefined || MYSQL_MODES.includes(mode)
    ? null
    : `has an ssl-mode that is none of ${MYSQL_MODES.join(', ')}`;
}

const databaseUrl = secret(
  scalar(DATABASE_FORM, (found) => {
    if (!isAddress(found)) return undefined;
    const url = new URL(found);
    const wrong = isMysql({ url: found }) ? mysqlUrlFault(url) : postgresUrlFault(url);
    return wrong === null ? { ok: found } : { wrong: `${wrong}; allowed: ${DATABASE_FORM}` };
  }),
);

const httpUrl = secret(
  scalar('an address such as http://127.0.0.1:9000', (found) => {
    if (typeof found !== 'string' || !/^https?:\/\//.test(found) || !URL.canParse(found)) return undefined;
    return { ok: found };
  }),
);

const HOST_PORT = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:,/[\]]+):\d{1,5}$/;
const isHostPort = (text: string): boolean => {
  const port = HOST_PORT.test(text) ? Number(text.slice(text.lastIndexOf(':') + 1)) : 0;
  return port >= 1 && port <= 65_535;
};
const HOST_PORT_FORM = 'host:port, the port from 1 to 65535';
const hostPort = scalar(HOST_PORT_FORM, (found) =>
  typeof found === 'string' && isHostPort(found) ? { ok: found } : undefined,
);

const brokers = scalar('host:port, several as a list or with commas between', (found) => {
  const parts: unknown[] = typeof found === 'string' ? found.split(',') : Array.isArray(found) ? found : [];
  const names = parts.map((part) => (typeof part === 'string' ? part.trim() : ''));
  const wrong = names.find((name) => !isHostPort(name));
  if (wrong !== undefined) {
    // Whoever writes a whole address may have written a password in it.
    return { wrong: `found ${withoutPassword(JSON.stringify(wrong))}; allowed: ${HOST_PORT_FORM}` };
  }
  return names.length > 0 ? { ok: names } : undefined;
});

/** PEM text, or the path of a file that holds it, from `folder` on. */
const pem = (folder: string) =>
  secret(
    scalar('the path of a PEM file, or its text', (found) => {
      if (typeof found !== 'string' || found === '') return undefined;
      if (found.includes('-----BEGIN ')) return { ok: found };
      try {
        const content = readFileSync(resolve(folder, found), 'utf8');
        return content.includes('-----BEGIN ')
          ? { ok: content }
          : { wrong: 'the file that it names is not in PEM form' };
      } catch (error) {
        // Not the path: it may be the key itself, given in the path's place.
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'not a path';
        return { wrong: `the PEM file cannot be read: ${code}, in the folder ${folder}` };
      }
    }),
  );

const metricsAddress = scalar<MetricsAddress | 'off'>(`${HOST_PORT_FORM}, or off`, (found) => {
  if (found === 'off' || found === false || found === 'false') return { ok: 'off' };
  if (typeof found !== 'string' || !isHostPort(found)) return undefined;
  const colon = found.lastIndexOf(':');
  return { ok: { host: found.slice(0, colon).replaceAll(/^\[|\]$/g, ''), port: Number(found.slice(colon + 1)) } };
});

/** `id:key` each. The newest first; the others are for what was encrypted before it came. */
const encryptionKeys = secret(
  scalar(
    'id:key, the key 32 bytes in base64 (openssl rand -base64 32), older keys behind it with commas between',
    (found) => {
      const parts: unknown[] = typeof found === 'string' ? found.split(',') : Array.isArray(found) ? found : [];
      const keys = parts.map((part) =>
        /^([A-Za-z0-9._-]{1,64}):([A-Za-z0-9+/]{43}=)$/.exec(typeof part === 'string' ? part.trim() : ''),
      );
      if (keys.length === 0 || keys.includes(null)) return undefined;
      const named = keys.map((parsed) => ({ id: parsed?.[1] ?? '', key: parsed?.[2] ?? '' }));
      const ids = new Set(named.map(({ id }) => id));
      return ids.size === named.length ? { ok: named } : { wrong: 'holds two keys of one id' };
    },
  ),
);

/** Both or neither. */
const together = (first: string, second: string) =>
  z.check<Record<string, unknown>>(({ value, issues }) => {
    const missing = [first, second].filter((name) => value[name] === undefined);
    if (missing.length !== 1) return;
    const message = `is missing: ${first} and ${second} go together`;
    issues.push({ code: 'custom', input: value, path: missing, message, params: { complete: true } });
  });

/** @param folder that relative paths start from: the settings file's, or the working directory */
export function settingsSchema(folder: string) {
  const file = pem(folder);
  const tls = z
    .strictObject({
      ca: file.optional(),
      cert: file.optional(),
      key: file.optional(),
      verify: flag().default(true),
    })
    .check(together('cert', 'key'));
  // Temporal's client always verifies, so there is no `verify` here.
  const temporalTls = z
    .strictObject({ ca: file.optional(), cert: file.optional(), key: file.optional() })
    .check(together('cert', 'key'));
  const postgres = z.strictObject({ url: postgresUrl, tls: tls.optional() });
  const database = z.strictObject({ url: databaseUrl, tls: tls.optional() });
  return z.strictObject({
    connections: z.record(z.string(), database).prefault({}),
    control: postgres.optional(),
    kafka: z
      .strictObject({
        client: oneOf(KAFKA_CLIENTS).optional(),
        brokers: brokers.optional(),
        tls: tls.optional(),
        sasl: z
          .strictObject({
            mechanism: oneOf(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']),
            username: secretText('a user name'),
            password: secretText('a password'),
          })
          .optional(),
        replicationFactor: count(1, 32_767).optional(),
      })
      .prefault({}),
    s3: z
      .strictObject({
        endpoint: httpUrl.optional(),
        region: text('a region such as eu-central-1').optional(),
        pathStyle: flag().optional(),
        accessKeyId: secretText('an access key id').optional(),
        secretAccessKey: secretText('a secret access key').optional(),
      })
      // One without the other would be left aside, and the standard chain's credentials taken: somebody else's, perhaps.
      .check(together('accessKeyId', 'secretAccessKey'))
      .prefault({}),
    temporal: z
      .strictObject({
        address: hostPort.optional(),
        namespace: text('a namespace').default('default'),
        tls: temporalTls.optional(),
        apiKey: secretText('an API key').optional(),
        encryptionKeys: encryptionKeys.optional(),
        ui: httpUrl.optional(),
      })
      .prefault({}),
    worker: z
      .strictObject({
        landMemory: size(16 * 2 ** 20, 64 * 2 ** 30).default(256 * 2 ** 20),
        queryThreads: count(1, 256).default(2),
        scratch: text('a folder').optional(),
        metrics: metricsAddress.optional(),
      })
      .prefault({}),
  });
}

export type SettingsFile = z.infer<ReturnType<typeof settingsSchema>>;
