/** Services of the test stack, each reached with a password of its own that is marked: what shows a mark has shown a secret. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { ADMIN } from '../../stack/services/postgres-databases.ts';
import { loadState } from '../../stack/state.ts';
import { createAuthority } from '../connectors/certificates.ts';
import { startSecureBroker } from '../connectors/secure-broker.ts';
import { stackEnvironment } from '../e2e/services.ts';
import { required, unique } from '../replay/setting.ts';

/** Letters and digits, so that no way to quote or to encode a password splits it. */
const mark = (what: string): string => `mark${what}${randomBytes(8).toString('hex')}`;
export const MARKS = {
  source: mark('source'),
  warehouse: mark('warehouse'),
  control: mark('control'),
  kafka: mark('kafka'),
  wrong: mark('wrong'),
  apiKey: mark('apikey'),
  encryption: randomBytes(32).toString('base64'),
};
const DATABASES = { source: 'sales', warehouse: 'warehouse', control: 'control' } as const;

/** Of a password that URLs, SQL and shells all quote in their own ways. */
const odd = (secret: string): string => `${secret} %/@:'"#é`;
const wrong = (url: string): string => url.replace(/:[^:@]+@/, `:${encodeURIComponent(odd(MARKS.wrong))}@`);

export interface MarkedServices {
  /** All that names them, and connections that refuse: DENIED, NOWHERE, PLAINTEXT. */
  environment: Record<string, string>;
  close(): Promise<void>;
}

export async function openMarkedServices(): Promise<MarkedServices> {
  const state = loadState(required('HEADRACE_HOME'));
  if (state === undefined) throw new Error('the test stack has no state');
  const { ports, secrets } = state;
  const authority = createAuthority('Headrace tests');
  const broker = await startSecureBroker({
    plain: { headrace: MARKS.kafka },
    scram: {},
    supers: ['User:headrace'],
    server: authority.issue('kafka', ['127.0.0.1']),
    authority: authority.cert,
  });
  const admin = new pg.Client({
    host: '127.0.0.1',
    port: ports.postgres,
    database: 'postgres',
    user: ADMIN,
    password: secrets.postgresAdmin,
  });
  await admin.connect();
  const roles: string[] = [];

  /** A role that may do what the database's owner may; what it makes is the owner's, as other tests expect. */
  async function newRole(what: keyof typeof DATABASES): Promise<string> {
    const role = unique(`marked_${what}`);
    const password = odd(MARKS[what]);
    const owner = DATABASES[what];
    await admin.query(`create role ${role} login password ${admin.escapeLiteral(password)} in role ${owner}`);
    await admin.query(`alter role ${role} set role to ${owner}`);
    roles.push(role);
    return `postgres://${role}:${encodeURIComponent(password)}@127.0.0.1:${ports.postgres}/${owner}`;
  }

  const source = await newRole('source');
  return {
    environment: {
      ...stackEnvironment(),
      HEADRACE_CONNECTION_SALES: source,
      HEADRACE_CONNECTION_WAREHOUSE: await newRole('warehouse'),
      HEADRACE_CONTROL_URL: await newRole('control'),
      HEADRACE_CONNECTION_DENIED: wrong(source),
      HEADRACE_CONNECTION_NOWHERE: wrong(source).replace(/@[^/]+/, '@no-such-host.invalid:5432'),
      HEADRACE_CONNECTION_PLAINTEXT: `${wrong(source)}?sslmode=require`,
      HEADRACE_KAFKA_BROKERS: broker.sasl,
      HEADRACE_KAFKA_SASL_MECHANISM: 'PLAIN',
      HEADRACE_KAFKA_SASL_USERNAME: 'headrace',
      HEADRACE_KAFKA_SASL_PASSWORD: MARKS.kafka,
    },
    async close() {
      for (const role of roles) await admin.query(`drop role ${role}`);
      await admin.end();
      await broker.stop();
    },
  };
}

/** Without the last letters, which depend on what follows. */
const base64 = (text: string): string => Buffer.from(text).toString('base64').slice(0, -4);

/** Those of the texts that hold a secret, plain or in base64: the marked ones, and the stack's own. */
export function leaksIn(texts: Iterable<string>): string[] {
  const stack = ['HEADRACE_CONNECTION_SALES', 'HEADRACE_CONNECTION_WAREHOUSE', 'HEADRACE_CONTROL_URL'].map(
    (name) => new URL(required(name)).password,
  );
  const secrets = [...Object.values(MARKS), ...stack, required('AWS_SECRET_ACCESS_KEY')];
  return [...texts].filter((text) => secrets.some((secret) => text.includes(secret) || text.includes(base64(secret))));
}
