/** Settings files and variables that must be refused, each with its place and the remedy; secrets are written `hush`. */
import type { Entry } from './entry.ts';

export interface BadSettings extends Entry {
  /** A part of GOOD and what stands in its place; or the file as a whole. */
  input: { from: string; to: string } | { file: string | Buffer };
  env?: Readonly<Record<string, string>>;
}

export const GOOD = `connections:
  sales: postgres://u:hush@h/sales
control: postgres://u:hush@h/control
kafka: { brokers: "h:1" }
s3: { region: eu-central-1 }
temporal: { address: "t:7233" }
worker: { queryThreads: 2 }
`;

const change = (from: string, to: string) => ({ from, to });
const sales = (to: string) => change('postgres://u:hush@h/sales', to);
const brokers = (to: string) => change('"h:1"', to);
const kafka = (more: string) => change('{ brokers: "h:1" }', `{ brokers: "h:1", ${more} }`);
const s3 = (to: string) => change('{ region: eu-central-1 }', `{ ${to} }`);
const temporal = (to: string) => change('{ address: "t:7233" }', `{ ${to} }`);
const worker = (to: string) => change('{ queryThreads: 2 }', `{ ${to} }`);
const connection = (name: string) => change('  sales:', `  ${name}:`);
const unchanged = change('connections:', 'connections:');
const variable = (name: string, value: string) => ({ input: unchanged, env: { [name]: value } });

const URL_FORM = 'postgres://user:password@host:5432/database';
const NAME_FORM = 'a name of letters, digits, dashes and underscores that begins with a letter';
const SALES = '2:3: connections.sales.url:';

export const BAD_SETTINGS: readonly BadSettings[] = [
  { name: 'another database', input: sales('oracle://u:hush@h/sales'), says: [SALES, 'kind oracle', URL_FORM] },
  { name: 'MySQL without a database', input: sales('mysql://u:hush@h/'), says: [SALES, 'names no database'] },
  {
    name: 'an option of MySQL that is none',
    input: sales('mysql://u:hush@h/d?flags=x'),
    says: [SALES, 'option flags'],
  },
  { name: 'an ssl-mode that is none', input: sales('mysql://u:hush@h/d?ssl-mode=on'), says: [SALES, 'verify-ca'] },
  {
    name: 'an ssl-ca that is not there',
    input: sales('mysql://u:hush@h/d?ssl-ca=/none.pem'),
    says: [SALES, 'ssl-ca a file that cannot be read'],
  },
  {
    name: 'an ssl-cert without its key',
    input: sales(`mysql://u:hush@h/d?ssl-cert=${import.meta.filename}`),
    says: [SALES, 'go together'],
  },
  { name: 'no database', input: sales('postgres://u:hush@h'), says: [SALES, 'names no database', URL_FORM] },
  { name: 'only a slash for a database', input: sales('postgres://u:hush@h/'), says: [SALES, 'names no database'] },
  { name: 'a port beyond 65535', input: sales('postgres://u:hush@h:99999/x'), says: [SALES, URL_FORM] },
  { name: 'a % that begins no %XX', input: sales('postgres://u:hu%zzsh@h/x'), says: [SALES, 'a % itself is %25'] },
  { name: 'a # in a password', input: sales('"postgres://u:hu#hush@h/x"'), says: [SALES, 'special characters as %XX'] },
  { name: 'a slash in a password', input: sales('postgres://u:hu/hush@h/x'), says: [SALES, '%XX'] },
  { name: 'a space in an address', input: sales('postgres://u:hush@h h/x'), says: [SALES, URL_FORM] },
  { name: 'an address without a scheme', input: sales('h:5432/sales'), says: [SALES, 'allowed: a PostgreSQL address'] },
  {
    name: 'an sslmode that is none',
    input: sales('postgres://u:hush@h/x?sslmode=on'),
    says: [SALES, 'sslmode=on', 'verify-full'],
  },
  {
    name: 'an sslrootcert that is not there',
    input: sales('postgres://h/x?sslrootcert=/no/ca.pem'),
    says: [SALES, 'sslrootcert', '/no/ca.pem'],
  },
  {
    name: 'another client_encoding',
    input: sales('postgres://h/x?client_encoding=LATIN1'),
    says: [SALES, 'must stay UTF8'],
  },
  { name: 'a connection that is empty', input: sales(''), says: ['connections.sales: is empty', 'a mapping'] },
  { name: 'a connection that is a list', input: sales('[1]'), says: ['2:10: connections.sales: found a list'] },
  {
    name: 'a connection that is a number',
    input: sales('5'),
    says: ['2:10: connections.sales: found a number that is not shown'],
  },
  {
    name: 'a password beside the address',
    input: sales('{ url: "postgres://h/x", password: hush }'),
    says: ['connections.sales.password: is not a key here', 'url, tls'],
  },
  { name: 'a name with a blank', input: connection('"sal es"'), says: ['2:3: connections:', NAME_FORM] },
  { name: 'a name that begins with a digit', input: connection('1st'), says: ['2:3: connections:', NAME_FORM] },
  { name: '__proto__ for a name', input: connection('__proto__'), says: ['2:3: connections:', NAME_FORM] },
  {
    name: 'an address for a name',
    input: connection('"postgres://u:hush@h/x"'),
    says: ['2:3: connections:', NAME_FORM],
  },
  {
    name: 'connections as a list',
    input: { file: GOOD.replace(/connections:\n.*\n/, 'connections: [a]\n') },
    says: ['1:14: connections: found a list'],
  },
  {
    name: 'control as a list',
    input: change('control: postgres://u:hush@h/control', 'control: [a]'),
    says: ['3:10: control: found a list'],
  },
  {
    name: 'a key mistyped',
    input: change('control:', 'contrl:'),
    says: ['3:1: contrl: is not a key here; did you mean control?'],
  },
  {
    name: 'a key that is none',
    input: change('worker:', 'kubernetes:'),
    says: ['7:1: kubernetes: is not a key here', 'connections, control'],
  },
  { name: 'a key twice', input: change('worker:', 'kafka:'), says: ['7:1: the key is there twice'] },
  { name: 'brokers without a port', input: brokers('"h"'), says: ['4:19: kafka.brokers: found "h"', 'host:port'] },
  { name: 'an address for a broker', input: brokers('"kafka://h:1"'), says: ['4:19: kafka.brokers:', 'host:port'] },
  { name: 'port 0', input: brokers('"h:0"'), says: ['4:19: kafka.brokers: found "h:0"', 'from 1 to 65535'] },
  { name: 'port 70000', input: brokers('"h:70000"'), says: ['4:19: kafka.brokers:', 'from 1 to 65535'] },
  { name: 'no broker in a list', input: brokers('[]'), says: ['4:19: kafka.brokers: found an empty list'] },
  { name: 'an empty broker among others', input: brokers('"h:1,,i:1"'), says: ['4:19: kafka.brokers: found ""'] },
  { name: 'a port alone', input: brokers('9092'), says: ['4:19: kafka.brokers: found 9092'] },
  {
    name: 'kafka as text',
    input: change('{ brokers: "h:1" }', 'h:1'),
    says: ['4:8: kafka: found text that is not shown', 'a mapping'],
  },
  { name: 'kafka as a list', input: change('{ brokers: "h:1" }', '["h:1"]'), says: ['4:8: kafka: found a list'] },
  {
    name: 'a client that is none',
    input: kafka('client: sarama'),
    says: ['kafka.client: found "sarama"', 'librdkafka'],
  },
  { name: 'replication of 0', input: kafka('replicationFactor: 0'), says: ['replicationFactor: found 0', 'from 1 to'] },
  {
    name: 'a mechanism that is none',
    input: kafka('sasl: { mechanism: GSSAPI, username: u, password: hush }'),
    says: ['kafka.sasl.mechanism: found "GSSAPI"', 'SCRAM-SHA-512'],
  },
  {
    name: 'no password',
    input: kafka('sasl: { mechanism: PLAIN, username: u }'),
    says: ['kafka.sasl.password: is missing'],
  },
  {
    name: 'a password as a number',
    input: kafka('sasl: { mechanism: PLAIN, username: u, password: 123 }'),
    says: ['kafka.sasl.password: found a number that is not shown here', 'in quotes'],
  },
  {
    name: 'tls as a word',
    input: kafka('tls: on it'),
    says: ['kafka.tls: found text that is not shown', 'true, false, or a mapping'],
  },
  {
    name: 'a CA that is not there',
    input: kafka('tls: { ca: no.pem }'),
    says: ['kafka.tls.ca: the PEM file cannot be read'],
  },
  {
    name: 'a CA that is no PEM',
    input: kafka('tls: { ca: headrace.yaml }'),
    says: ['kafka.tls.ca:', 'not in PEM form'],
  },
  {
    name: 'a certificate without its key',
    input: kafka('tls: { cert: "-----BEGIN CERTIFICATE-----" }'),
    says: ['kafka.tls.key: is missing: cert and key go together'],
  },
  {
    name: 'a variable that is not set',
    input: brokers('"${NOWHERE}"'),
    says: ['4:20: kafka.brokers: the environment variable NOWHERE is not set', '${NOWHERE:-…}'],
  },
  { name: 'a reference that does not end', input: brokers('"${NOWHERE"'), says: ['a ${ begins no reference'] },
  {
    name: 'an endpoint without a scheme',
    input: s3('endpoint: "127.0.0.1:9000"'),
    says: ['s3.endpoint:', 'http://127.0.0.1:9000'],
  },
  {
    name: 'an endpoint of another kind',
    input: s3('endpoint: "ftp://h"'),
    says: ['s3.endpoint:', 'http://127.0.0.1:9000'],
  },
  {
    name: 'half of the S3 credentials',
    input: s3('region: x, accessKeyId: hush'),
    says: ['s3.secretAccessKey: is missing', 'go together'],
  },
  {
    name: 'pathStyle as a word',
    input: s3('region: x, pathStyle: perhaps'),
    says: ['s3.pathStyle: found "perhaps"', 'true or false'],
  },
  {
    name: 'an address for Temporal',
    input: temporal('address: "http://t:7233"'),
    says: ['temporal.address: found "http://t:7233"', 'host:port'],
  },
  {
    name: 'verify off, which Temporal’s client has not',
    input: temporal('address: "t:1", tls: { verify: false }'),
    says: ['temporal.tls.verify: is not a key here'],
  },
  {
    name: 'a namespace as a number',
    input: temporal('address: "t:1", namespace: 5'),
    says: ['temporal.namespace: found 5', 'in quotes'],
  },
  {
    name: 'too little memory',
    input: worker('landMemory: 1MiB'),
    says: ['worker.landMemory: found "1MiB"', 'from 16MiB to 64GiB'],
  },
  { name: 'memory in words', input: worker('landMemory: lots'), says: ['worker.landMemory: found "lots"', '64MiB'] },
  {
    name: 'memory of an inherited unit',
    input: worker('landMemory: 64constructor'),
    says: ['worker.landMemory: found "64constructor"'],
  },
  { name: 'no threads', input: worker('queryThreads: 0'), says: ['worker.queryThreads: found 0', 'from 1 to 256'] },
  {
    name: 'half a thread',
    input: worker('queryThreads: 0.5'),
    says: ['worker.queryThreads: found 0.5', 'a whole number'],
  },
  {
    name: 'nothing at all',
    input: { file: '' },
    says: ['HEADRACE_CONTROL_URL: is not set', 'HEADRACE_KAFKA_BROKERS', 'headrace up'],
  },
  { name: 'a word', input: { file: 'hello' }, says: ['1:1: found text that is not shown', 'a mapping'] },
  {
    name: 'bytes that are no text',
    input: { file: Buffer.from([0xff, 0xfe, 0x00, 0x01]) },
    says: ['is not UTF-8 text'],
  },
  {
    name: 'an environment variable mistyped',
    ...variable('HEADRACE_S3_REGON', 'x'),
    says: ['environment: HEADRACE_S3_REGON:', 'did you mean HEADRACE_S3_REGION?'],
  },
  {
    name: 'a variable with a broker without a port',
    ...variable('HEADRACE_KAFKA_BROKERS', 'x'),
    says: ['environment: HEADRACE_KAFKA_BROKERS: found "x"'],
  },
  {
    name: 'a variable with a word for TLS',
    ...variable('HEADRACE_KAFKA_TLS', 'maybe'),
    says: ['environment: HEADRACE_KAFKA_TLS: found text that is not shown', 'true, false'],
  },
  {
    name: 'a variable with a word for a number',
    ...variable('HEADRACE_QUERY_THREADS', 'two'),
    says: ['HEADRACE_QUERY_THREADS: found "two"'],
  },
  {
    name: 'a variable with no address',
    ...variable('HEADRACE_CONNECTION_SALES', 'hush'),
    says: ['environment: HEADRACE_CONNECTION_SALES:', URL_FORM],
  },
  {
    name: 'a variable of a connection that none can name',
    ...variable('HEADRACE_CONNECTION_A B', 'postgres://h/x'),
    says: ['environment: HEADRACE_CONNECTION_A B:', NAME_FORM],
  },
  {
    name: 'a variable that would change every object',
    ...variable('HEADRACE_CONNECTION___PROTO__', 'postgres://h/x'),
    says: ['HEADRACE_CONNECTION___PROTO__:', NAME_FORM],
  },
];
