import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { isFault } from '../../contracts/errors.ts';
import { connectionOf, loadAll, loadSettings, type SettingsOptions } from '../../workers/config/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'headrace-settings-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const path = join(folder, 'headrace.yaml');
writeFileSync(join(folder, 'ca.pem'), PEM);

const FILE = `connections:
  sales: postgres://u:file@h/sales
control: postgres://u:file@h/control
kafka:
  brokers: [a:1, b:2]
  tls: { ca: ca.pem, verify: false }
  sasl: { mechanism: SCRAM-SHA-512, username: u, password: "\${PASSWORD}" }
s3: { region: eu-central-1 }
temporal: { address: t:7233, tls: true, ui: "http://ui/" }
worker: { landMemory: 128MiB }
`;

function load(text: string, options: SettingsOptions = {}) {
  writeFileSync(path, text);
  return loadSettings({ path, env: {}, ...options });
}

function faultsOf(text: string, options: SettingsOptions = {}): string {
  try {
    load(text, options);
  } catch (error) {
    if (isFault(error, 'ConfigInvalid')) return error.message.replaceAll(`${path}:`, '');
    throw error;
  }
  return '';
}

describe('headrace.yaml', () => {
  test('in short and long forms', () => {
    expect(load(FILE, { env: { PASSWORD: 'pw' } })).toEqual({
      connections: { sales: { url: 'postgres://u:file@h/sales' } },
      control: { url: 'postgres://u:file@h/control' },
      kafka: {
        brokers: ['a:1', 'b:2'],
        tls: { ca: PEM, verify: false },
        sasl: { mechanism: 'SCRAM-SHA-512', username: 'u', password: 'pw' },
      },
      s3: { region: 'eu-central-1', pathStyle: false },
      temporal: { address: 't:7233', namespace: 'default', tls: { verify: true }, ui: 'http://ui' },
      worker: { landMemoryBytes: 128 * 1024 * 1024, queryThreads: 2 },
    });
  });

  test.each([
    [
      'sales: postgres://u:file@h/sales',
      'sales: oracle://u:file@h/sales',
      '2:3: connections.sales.url: found an address of kind oracle',
    ],
    ['sales: postgres://u:file@h/sales', 'sales: postgres://u:file@h', '2:3: connections.sales.url: names no database'],
    [
      'sales: postgres://u:file@h/sales',
      'sales: { uri: x }',
      '2:12: connections.sales.uri: is not a key here; did you mean url?',
    ],
    ['control: postgres://u:file@h/control', 'control: [file]', '3:10: control: found a list; allowed: a mapping'],
    ['brokers: [a:1, b:2]', 'brokers: [a:1, b]', '5:12: kafka.brokers: found "b"; allowed: host:port'],
    ['ca: ca.pem', 'ca: none.pem', '6:14: kafka.tls.ca: the PEM file cannot be read'],
    ['ca: ca.pem', 'ca: headrace.yaml', '6:14: kafka.tls.ca: the file that it names is not in PEM form'],
    ['SCRAM-SHA-512', 'SCRAM', '7:22: kafka.sasl.mechanism: found "SCRAM"; allowed: one of PLAIN, SCRAM-SHA-256'],
    [', password: "${PASSWORD}"', '', '7:3: kafka.sasl.password: is missing; allowed: a password'],
    ['t:7233', 'localhost', '9:22: temporal.address: found "localhost"; allowed: host:port'],
    [
      'landMemory: 128MiB',
      'landMemory: 1MiB',
      '10:23: worker.landMemory: found "1MiB"; allowed: a size such as 64MiB, from 16MiB',
    ],
    ['worker:', 'workers:', '10:1: workers: is not a key here; did you mean worker?'],
  ])('%j written as %j is told with its place', (from, to, expected) => {
    expect(FILE).toContain(from);
    const faults = faultsOf(FILE.replace(from, to), { env: { PASSWORD: 'pw' } });
    expect(faults).toContain(expected);
    expect(faults).not.toContain('u:file');
  });

  test('never shows what may be a secret', () => {
    const faults = faultsOf(
      FILE.replace('postgres://u:file@h/sales', 'ostgres//u:hush@h').replace('"${PASSWORD}"', '4711'),
      {
        env: { PASSWORD: 'pw', HEADRACE_CONTROL_URL: 'quiet', HEADRACE_KAFKA_SASL_USERNAME: 'x' },
      },
    );
    expect(faults).toContain('2:3: connections.sales.url: found text that is not shown here');
    expect(faults).toContain(
      'kafka.sasl.password: found a number that is not shown here; allowed: a password, in quotes',
    );
    expect(faults).toContain('environment: HEADRACE_CONTROL_URL: found text that is not shown here');
    expect(faults).not.toMatch(/hush|4711|quiet/);
  });
});

describe('the environment', () => {
  test('wins over the file', () => {
    const env = {
      PASSWORD: 'pw',
      HEADRACE_CONNECTION_SALES: 'postgres://env@h/sales',
      HEADRACE_CONNECTION_MY_SHOP: 'postgres://env@h/shop',
      HEADRACE_CONTROL_URL: 'postgres://env@h/control',
      HEADRACE_KAFKA_BROKERS: 'c:3, d:4',
      HEADRACE_KAFKA_TLS: 'false',
      HEADRACE_KAFKA_SASL_PASSWORD: 'env',
      HEADRACE_KAFKA_REPLICATION_FACTOR: '3',
      HEADRACE_S3_ENDPOINT: 'http://s3:9000',
      HEADRACE_TEMPORAL_NAMESPACE: 'ns',
      HEADRACE_LAND_MEMORY: '1GiB',
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'secret',
    };
    const settings = load(FILE, { env });
    expect(settings.connections).toEqual({
      sales: { url: 'postgres://env@h/sales' },
      my_shop: { url: 'postgres://env@h/shop' },
    });
    expect(connectionOf(settings, 'my-shop').url).toBe('postgres://env@h/shop');
    expect(settings.control.url).toBe('postgres://env@h/control');
    expect(settings.kafka).toEqual({
      brokers: ['c:3', 'd:4'],
      sasl: { mechanism: 'SCRAM-SHA-512', username: 'u', password: 'env' },
      replicationFactor: 3,
    });
    expect(settings.s3).toEqual({
      endpoint: 'http://s3:9000',
      region: 'eu-central-1',
      pathStyle: true,
      accessKeyId: 'id',
      secretAccessKey: 'secret',
    });
    expect(settings.temporal).toMatchObject({ address: 't:7233', namespace: 'ns' });
    expect(settings.worker.landMemoryBytes).toBe(2 ** 30);
  });

  test('finds a connection of the file under its variable', () => {
    const text = FILE.replace('  sales:', '  my-shop:');
    const env = { PASSWORD: 'pw', HEADRACE_CONNECTION_MY_SHOP: 'postgres://env@h/shop' };
    expect(load(text, { env }).connections).toEqual({ 'my-shop': { url: 'postgres://env@h/shop' } });
  });

  test('names the file; one that is named must be there', () => {
    writeFileSync(path, FILE);
    expect(loadSettings({ env: { HEADRACE_SETTINGS: path, PASSWORD: 'pw' } }).temporal.address).toBe('t:7233');
    expect(() => loadSettings({ path: join(folder, 'none.yaml'), env: {} })).toThrow('there is no such file');
  });

  test.each([
    ['HEADRACE_KAFKA_BROKER', 'did you mean HEADRACE_KAFKA_BROKERS?'],
    ['HEADRACE_CONTROL', 'did you mean HEADRACE_CONTROL_URL?'],
    ['HEADRACE_TEMPORAL', 'did you mean HEADRACE_TEMPORAL_ADDRESS?'],
    ['HEADRACE_TEMPORAL_ADDR', 'did you mean HEADRACE_TEMPORAL_ADDRESS?'],
    ['HEADRACE_CONNECTIONS_SALES', 'did you mean HEADRACE_CONNECTION_SALES?'],
    ['HEADRACE_CONNECTION', 'did you mean HEADRACE_CONNECTION_<NAME>?'],
    ['HEADRACE_S3_SECRET_KEY', 'did you mean AWS_SECRET_ACCESS_KEY?'],
    ['HEADRACE_S3_SECRET_ACCESS_KEY', 'did you mean AWS_SECRET_ACCESS_KEY?'],
    ['HEADRACE_S3_ACCESS_KEY_ID', 'did you mean AWS_ACCESS_KEY_ID?'],
    ['HEADRACE_S3_BUCKET', 'did you mean lake.bucket in the pipeline file?'],
    ['HEADRACE_STAK', 'did you mean HEADRACE_STACK?'],
    ['HEADRACE_FOO', 'docs/cli.md lists those there are'],
  ])('%s is no variable, and its value is not shown', (name, hint) => {
    const env = { PASSWORD: 'pw', [name]: 'hush' };
    expect(faultsOf(FILE, { env })).toBe(
      `the configuration has a fault:\n  environment: ${name}: is not a variable of Headrace; ${hint}`,
    );
  });

  test('names that tools, tests and Kubernetes set are left alone', () => {
    const ours = ['HOME', 'CACHE', 'STACK', 'STACK_MARK', 'TEST_CLOCK', 'FAULTS_TRACE'];
    const services = ['SERVICE', 'WORKER_SERVICE'];
    const kubernetes = services.flatMap((name) => [`${name}_HOST`, `${name}_PORT`, `${name}_PORT_METRICS`]);
    const links = ['PORT', 'PORT_9464_TCP', 'PORT_9464_TCP_ADDR', 'WORKER_PORT_9464_TCP_PROTO'];
    const names = [...ours, ...kubernetes, ...links].map((name): [string, string] => [`HEADRACE_${name}`, 'x']);
    expect(faultsOf(FILE, { env: { PASSWORD: 'pw', ...Object.fromEntries(names) } })).toBe('');
  });

  test('those of docker-compose.yml are left alone, where the stack is that', () => {
    const text = readFileSync(join(import.meta.dirname, '../../docker-compose.yml'), 'utf8');
    const found = text.matchAll(/\$\{(HEADRACE_[A-Z0-9_]+)/g);
    const names = [...found].map(([, name = '']): [string, string] => [name, 'x']);
    expect(names.length).toBeGreaterThan(10);
    const env = { PASSWORD: 'pw', ...Object.fromEntries(names), HEADRACE_STACK: 'compose' };
    expect(faultsOf(FILE, { env })).toBe('');
  });

  test('wrong values are told by the name of the variable', () => {
    const env = { PASSWORD: 'pw', HEADRACE_S3_PATH_STYLE: 'yes', HEADRACE_KAFKA_BROKERS: 'x' };
    expect(faultsOf(FILE, { env })).toContain(
      'environment: HEADRACE_S3_PATH_STYLE: found "yes"; allowed: true or false',
    );
    expect(faultsOf(FILE, { env })).toContain('environment: HEADRACE_KAFKA_BROKERS: found "x"; allowed: host:port');
  });
});

describe('the local stack', () => {
  const defaults = {
    HEADRACE_TEMPORAL_ADDRESS: 'stack:1',
    HEADRACE_KAFKA_BROKERS: 'stack:2',
    HEADRACE_S3_ENDPOINT: 'http://stack:3',
    HEADRACE_S3_REGION: 'us-east-1',
    HEADRACE_CONTROL_URL: 'postgres://u:p@stack/control',
    HEADRACE_CONNECTION_SALES: 'postgres://u:p@stack/sales',
    AWS_ACCESS_KEY_ID: 'stack-id',
    AWS_SECRET_ACCESS_KEY: 'stack-secret',
  };

  test('stands in for everything where nothing is set, whatever AWS variables are around', () => {
    const settings = load('', { defaults, env: { AWS_ACCESS_KEY_ID: 'mine', AWS_SECRET_ACCESS_KEY: 'mine' } });
    expect(settings.kafka.brokers).toEqual(['stack:2']);
    expect(settings.s3).toMatchObject({ endpoint: 'http://stack:3', accessKeyId: 'stack-id' });
    expect(Object.keys(settings.connections)).toEqual(['sales']);
  });

  test('half of the credentials is a fault, and no reason to take the environment’s', () => {
    const env = { AWS_ACCESS_KEY_ID: 'mine', AWS_SECRET_ACCESS_KEY: 'mine' };
    for (const [given, missing] of [
      ['secretAccessKey', 'accessKeyId'],
      ['accessKeyId', 'secretAccessKey'],
    ]) {
      const text = `s3: { region: eu-central-1, ${given ?? ''}: theirs }`;
      expect(() => load(text, { defaults, env })).toThrow(new RegExp(`s3.${missing ?? ''}: is missing`));
    }
  });

  test('stands in for whole services only', () => {
    const text = 's3: { region: eu-central-1 }\nconnections: { sales: "postgres://u:p@mine/sales" }';
    const settings = load(text, { defaults, env: { AWS_ACCESS_KEY_ID: 'mine', AWS_SECRET_ACCESS_KEY: 'mine' } });
    expect(settings.s3).toEqual({
      region: 'eu-central-1',
      pathStyle: false,
      accessKeyId: 'mine',
      secretAccessKey: 'mine',
    });
    expect(settings.connections.sales?.url).toContain('mine');
    expect(settings.temporal.address).toBe('stack:1');
  });

  test('where there is none, every service that is not set is told, or only those that are needed', () => {
    const faults = faultsOf('').split('\n').slice(1);
    expect(faults.map((line) => /HEADRACE_\w+/.exec(line)?.[0])).toEqual([
      'HEADRACE_CONTROL_URL',
      'HEADRACE_KAFKA_BROKERS',
      'HEADRACE_S3_REGION',
      'HEADRACE_TEMPORAL_ADDRESS',
    ]);
    expect(faultsOf('', { needs: ['kafka'] })).toContain(
      'has a fault:\n  environment: HEADRACE_KAFKA_BROKERS: is not set',
    );
  });
});

test('settings and pipeline are told together, and what one says of the other', () => {
  const pipeline = join(folder, 'p.yaml');
  writeFileSync(
    pipeline,
    'name: p\nsource: { connection: sale, table: t }\ntopic: { name: t }\nlake: { bucket: lake, prefix: x }\n' +
      'warehouse: { connection: dwh, table: t }\n',
  );
  writeFileSync(path, FILE);
  const options = { path, env: { PASSWORD: 'pw' } };
  expect(() => loadAll(pipeline, options)).toThrow(
    /p\.yaml:2:23: source\.connection: sale is not configured; did you mean sales\?/,
  );
  expect(() => loadAll(pipeline, options)).toThrow(
    /p\.yaml:5:26: warehouse\.connection: dwh .*set HEADRACE_CONNECTION_DWH/,
  );
  writeFileSync(path, FILE.replace('t:7233', 'localhost'));
  writeFileSync(pipeline, 'name: p\n');
  expect(() => loadAll(pipeline, options)).toThrow(/headrace\.yaml:9:22.*\n(.*p\.yaml:.*\n?){4}/);
});

test('a connection that is not there is told with those that are', () => {
  expect(() => connectionOf({ connections: { sales: { url: 'x' } } }, 'slaes')).toThrow(
    'connection slaes is not configured; did you mean sales? (configured: sales); set HEADRACE_CONNECTION_SLAES',
  );
});
