/** The form of headrace.yaml, after the short forms were written out (settings-forms.ts) and variables were put in. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../contracts/errors.ts';
import { KAFKA_CLIENTS } from '../../contracts/settings.ts';
import { count, flag, matching, oneOf, scalar, size, text } from './values.ts';

const secret = (allowed: string) => text(allowed, { secret: true });

const POSTGRES_FORM = 'a PostgreSQL address, postgres://user:password@host:5432/database, special characters as %XX';

const postgresUrl = scalar(
  POSTGRES_FORM,
  (found) => {
    if (typeof found !== 'string' || !URL.canParse(found)) return undefined;
    const { protocol, pathname } = new URL(found);
    if (protocol !== 'postgres:' && protocol !== 'postgresql:') {
      return { wrong: `found an address of kind ${protocol.slice(0, -1)}; allowed: ${POSTGRES_FORM}` };
    }
    return pathname.length > 1 ? { ok: found } : { wrong: `names no database; allowed: ${POSTGRES_FORM}` };
  },
  { secret: true },
);

const httpUrl = scalar(
  'an address such as http://127.0.0.1:9000',
  (found) => {
    if (typeof found !== 'string' || !/^https?:\/\//.test(found) || !URL.canParse(found)) return undefined;
    return { ok: found };
  },
  { secret: true },
);

const HOST_PORT = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:,/[\]]+):\d{1,5}$/;
const hostPort = matching(HOST_PORT, 'host:port');

const brokers = scalar('host:port, several as a list or with commas between', (found) => {
  const parts: unknown[] = typeof found === 'string' ? found.split(',') : Array.isArray(found) ? found : [];
  const names = parts.map((part) => (typeof part === 'string' ? part.trim() : ''));
  const wrong = names.find((name) => !HOST_PORT.test(name));
  if (wrong !== undefined) return { wrong: `found ${JSON.stringify(wrong)}; allowed: host:port` };
  return names.length > 0 ? { ok: names } : undefined;
});

/** PEM text, or the path of a file that holds it, from `folder` on. */
const pem = (folder: string) =>
  scalar(
    'the path of a PEM file, or its text',
    (found) => {
      if (typeof found !== 'string' || found === '') return undefined;
      if (found.includes('-----BEGIN ')) return { ok: found };
      try {
        const content = readFileSync(resolve(folder, found), 'utf8');
        return content.includes('-----BEGIN ')
          ? { ok: content }
          : { wrong: 'the file that it names is not in PEM form' };
      } catch (error) {
        return { wrong: `the PEM file cannot be read: ${messageOf(error)}` };
      }
    },
    { secret: true },
  );

/** @param folder that relative paths start from: the settings file's, or the working directory */
export function settingsSchema(folder: string) {
  const file = pem(folder);
  const tls = z.strictObject({
    ca: file.optional(),
    cert: file.optional(),
    key: file.optional(),
    verify: flag().default(true),
  });
  const postgres = z.strictObject({ url: postgresUrl, tls: tls.optional() });
  return z.strictObject({
    connections: z.record(z.string(), postgres).prefault({}),
    control: postgres.optional(),
    kafka: z
      .strictObject({
        client: oneOf(KAFKA_CLIENTS).optional(),
        brokers: brokers.optional(),
        tls: tls.optional(),
        sasl: z
          .strictObject({
            mechanism: oneOf(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']),
            username: secret('a user name'),
            password: secret('a password'),
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
        accessKeyId: secret('an access key id').optional(),
        secretAccessKey: secret('a secret access key').optional(),
      })
      .prefault({}),
    temporal: z
      .strictObject({
        address: hostPort.optional(),
        namespace: text('a namespace').default('default'),
        // Temporal's client always verifies, so there is no `verify` here.
        tls: tls.omit({ verify: true }).optional(),
        apiKey: secret('an API key').optional(),
        ui: httpUrl.optional(),
      })
      .prefault({}),
    worker: z
      .strictObject({
        landMemory: size(16 * 2 ** 20, 64 * 2 ** 30).default(256 * 2 ** 20),
        queryThreads: count(1, 256).default(2),
        scratch: text('a folder').optional(),
      })
      .prefault({}),
  });
}

export type SettingsFile = z.infer<ReturnType<typeof settingsSchema>>;
