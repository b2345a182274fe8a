/**
 * Every Kafka client of ours on a broker with SASL, TLS and ACLs: what should work does, and what is refused says what is wrong
 * and where to mend it, within seconds and without the password.
 */
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { createServer } from 'node:tls';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openConnection } from '../../connectors/kafka/connection.ts';
import type { Fault } from '../../contracts/errors.ts';
import { KAFKA_CLIENTS, type KafkaSettings } from '../../contracts/settings.ts';
import { recordDetails } from '../../formats/record-batch-in.ts';
import { type KafkaClient, openKafka } from '../../workers/kafka-client.ts';
import { runCli } from '../cli/run-cli.ts';
import { unique } from '../land/services.ts';
import { grant, type Right, RIGHTS } from './access-rights.ts';
import { createAuthority } from './certificates.ts';
import { type SecureBroker, startSecureBroker } from './secure-broker.ts';

const PASSWORD = 'all-2-secret';
const ODD = {
  // Not ASCII, and other than its own normal form (NFKC): "²" and "ﬁ" would become "2" and "fi".
  plain: { name: 'plainly', password: 'pä=ss, wörd² ﬁ' },
  scram: { name: 'o=dd=2Cuser', password: 'p=ä"ss e\u0301 wörd² ﬁ' },
  comma: { name: 'co,mma=', password: 'a,b=c,²' },
};
const TOPICS = 'guarded';
/** Well below any time-out that a client would run into. */
const SOON_MS = 8_000;

const authority = createAuthority('Headrace tests');
const stranger = createAuthority('somebody else');
const server = authority.issue('kafka', ['127.0.0.1', 'localhost']);
const client = authority.issue('headrace-client');
const strangers = stranger.issue('headrace-client');

/** By user: each worker's rights, and those of `read` and `land` with one left out each. */
const granted: Record<string, readonly Right[]> = { ...RIGHTS, nothing: [] };
for (const role of ['read', 'land'] as const) {
  RIGHTS[role].forEach(({ name }, i) => {
    granted[`${role}without${i}`] = RIGHTS[role].filter((right) => right.name !== name);
  });
}

let broker: SecureBroker;
beforeAll(async () => {
  const guarded = Object.fromEntries(Object.keys(granted).map((user) => [user, PASSWORD]));
  broker = await startSecureBroker({
    plain: { all: PASSWORD, [ODD.plain.name]: ODD.plain.password, ...guarded },
    scram: { all: PASSWORD, [ODD.scram.name]: ODD.scram.password },
    supers: ['all', ...Object.values(ODD).map(({ name }) => name), 'CN=headrace-client'].map((name) => `User:${name}`),
    server,
    authority: authority.cert,
  });
  await grant(broker.internal, TOPICS, granted);
  await addScramUser(ODD.comma.name, ODD.comma.password);
});
afterAll(() => broker.stop());

type Sasl = NonNullable<KafkaSettings['sasl']>;
const as = (mechanism: Sasl['mechanism'], username = 'all', password = PASSWORD) => ({ mechanism, username, password });
const trusting = (ca = authority.cert) => ({ ca, verify: true });

describe.each(KAFKA_CLIENTS)('%s', (name) => {
  async function open(settings: Omit<KafkaSettings, 'client'>): Promise<KafkaClient> {
    const opened = await openKafka({ ...settings, client: name });
    onTestFinished(() => opened.topics.close());
    return opened;
  }

  /** A topic, one transaction into it, read back. */
  async function everyHop(settings: Omit<KafkaSettings, 'client'>): Promise<void> {
    const kafka = await open(settings);
    const topic = unique(TOPICS);
    expect((await kafka.topics.ensure(topic, 2)).partitions).toBe(2);
    expect((await kafka.topics.settings(topic)).cleanupPolicy).toBe('delete');
    await publish(kafka, topic);
    // The record and its marker, which the coordinator may write a moment after it has answered.
    await vi.waitFor(async () => expect(await kafka.topics.highWatermarks(topic, 2)).toMatchObject({ 1: 2 }), SOON_MS);
    expect(await readOne(kafka, topic)).toBe('{"id":1}');
  }

  async function publish(kafka: KafkaClient, topic: string): Promise<void> {
    const laneId = `headrace/${unique('replay')}/0`;
    const lane = await kafka.openLane({ topic, laneId, replayId: 'replay-1', schemaVersion: 'v1' });
    try {
      expect(await lane.committed()).toEqual({ seq: 0, metadata: '' });
      await lane.begin();
      lane.send(1, Buffer.from('{"id":1}'), Buffer.from('{"id":1}'), 0);
      await lane.commit(1, 'progress');
      expect(await lane.committed()).toEqual({ seq: 1, metadata: 'progress' });
    } finally {
      await lane.close();
    }
  }

  async function readOne(kafka: KafkaClient, topic: string): Promise<string> {
    const reader = await kafka.openReader({ topic, group: unique('headrace/land/dataset'), from: new Map([[1, 0]]) });
    try {
      const deadline = Date.now() + SOON_MS;
      for (;;) {
        const [record] = await reader.read(10, 500);
        if (record) return String(recordDetails(record).key);
        if (Date.now() > deadline) throw new Error(`no record of ${topic} within ${SOON_MS} ms`);
      }
    } finally {
      await reader.close();
    }
  }

  /** What each way in ends with. */
  async function refusals(settings: Omit<KafkaSettings, 'client'>): Promise<Fault[]> {
    const kafka = await open(settings);
    const begun = Date.now();
    const lane = { topic: 'any', laneId: 'headrace/any/0', replayId: 'replay-1', schemaVersion: 'v1' };
    const tried = [
      kafka.topics.describe('any'),
      kafka.topics.settings('any'),
      kafka.openLane(lane),
      kafka.openReader({ topic: 'any', group: 'headrace/land/any', from: new Map([[0, 0]]) }),
    ];
    const results = await Promise.allSettled<unknown>(tried);
    expect(Date.now() - begun).toBeLessThan(SOON_MS);
    return results.map((result) => {
      if (result.status === 'fulfilled') throw new Error('it was let in');
      // Causes included, to any depth.
      expect(inspect(result.reason, { depth: null, showHidden: true })).not.toContain(settings.sasl?.password ?? '\0');
      return result.reason as Fault;
    });
  }

  describe('signing in', () => {
    test.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)('%s: every hop', async (mechanism) => {
      await everyHop({ brokers: [broker.sasl], sasl: as(mechanism) });
    });

    test.each([
      ['PLAIN', ODD.plain.name, ODD.plain.password],
      ['SCRAM-SHA-256', ODD.scram.name, ODD.scram.password],
      ['SCRAM-SHA-512', ODD.scram.name, ODD.scram.password],
      ['SCRAM-SHA-256', ODD.comma.name, ODD.comma.password],
    ] as const)('%s as %s with the password %s', async (mechanism, user, password) => {
      const kafka = await open({ brokers: [broker.sasl], sasl: as(mechanism, user, password) });
      expect(await kafka.topics.describe('no-such-topic')).toBeNull();
    });

    test.each([
      ['PLAIN', 'all'],
      ['SCRAM-SHA-256', 'all'],
      ['SCRAM-SHA-512', 'all'],
      ['PLAIN', 'nobody-here'],
      ['SCRAM-SHA-512', 'nobody-here'],
    ] as const)('%s as %s with a wrong password', async (mechanism, user) => {
      for (const { code, message } of await refusals({
        brokers: [broker.sasl],
        sasl: as(mechanism, user, 'wr0ng-secret'),
      })) {
        expect(code).toBe('AccessDenied');
        expect(message).toContain(`signing in as ${user} with ${mechanism}: `);
        expect(message).toContain('kafka.sasl');
      }
    });

    test('a mechanism that the broker does not offer', async () => {
      for (const { code, message } of await refusals({
        brokers: [broker.saslTls],
        tls: trusting(),
        sasl: as('PLAIN'),
      })) {
        expect(code).toBe('AccessDenied');
        expect(message).toContain('signing in as all with PLAIN: ');
        // kafkajs, which tells librdkafka's reasons, keeps the list to itself.
        if (name === 'headrace')
          expect(message).toMatch(/offers SCRAM-SHA-\d+, SCRAM-SHA-\d+; set kafka\.sasl\.mechanism/);
      }
    });

    test('no user where one is wanted', async () => {
      for (const { code, message } of await refusals({ brokers: [broker.sasl] })) {
        expect(code).toBe('KafkaUnavailable');
        expect(message).toContain('kafka.sasl');
      }
    });
  });

  describe('TLS', () => {
    test('an authority that signed the broker’s certificate: every hop, also by name', async () => {
      const settings = { tls: trusting(), sasl: as('SCRAM-SHA-512') };
      await everyHop({ ...settings, brokers: [broker.saslTls] });
      const named = await open({ ...settings, brokers: [broker.saslTls.replace('127.0.0.1', 'localhost')] });
      expect(await named.topics.describe('no-such-topic')).toBeNull();
    });

    test('verify: false needs no authority', async () => {
      await everyHop({ brokers: [broker.saslTls], tls: { verify: false }, sasl: as('SCRAM-SHA-256') });
    });

    test.each([
      ['another authority', trusting(stranger.cert)],
      ["the system's authorities", { verify: true }],
    ])('%s', async (_, tls) => {
      for (const { code, message } of await refusals({ brokers: [broker.saslTls], tls, sasl: as('SCRAM-SHA-512') })) {
        expect(code).toBe('KafkaUnavailable');
        expect(message).toMatch(/certificate.*kafka\.tls\.ca/s);
      }
    });

    test('a certificate of the right authority for another host', async () => {
      const other = authority.issue('other', ['kafka.example']);
      const impostor = createServer({ cert: other.cert, key: other.key }, (socket) => socket.destroy());
      await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => void impostor.close());
      const address = impostor.address();
      const port = typeof address === 'object' ? address?.port : undefined;
      for (const { code, message } of await refusals({ brokers: [`127.0.0.1:${port}`], tls: trusting() })) {
        expect(code).toBe('KafkaUnavailable');
        expect(message).toMatch(/127\.0\.0\.1 is not in the cert's list.*kafka\.brokers/s);
      }
    });

    test('a client certificate where the broker wants one: every hop', async () => {
      await everyHop({ brokers: [broker.tls], tls: { ...trusting(), cert: client.cert, key: client.key } });
    });

    test.each([
      ['no client certificate', {}],
      ['a client certificate of another authority', { cert: strangers.cert, key: strangers.key }],
    ])('%s where the broker wants one', async (_, certificate) => {
      for (const { code, message } of await refusals({
        brokers: [broker.tls],
        tls: { ...trusting(), ...certificate },
      })) {
        expect(code).toBe('AccessDenied');
        expect(message).toContain('kafka.tls.cert');
      }
    });

    test('plain text to a port with TLS', async () => {
      const settings = [{ brokers: [broker.tls] }, { brokers: [broker.saslTls], sasl: as('SCRAM-SHA-256') }];
      for (const { code, message } of (await Promise.all(settings.map(refusals))).flat()) {
        expect(code).toBe('KafkaUnavailable');
        expect(message).toContain('kafka.tls');
        if (name === 'headrace') expect(message).toContain('the broker speaks TLS on this port; set kafka.tls');
      }
    });

    test('TLS to a port without', async () => {
      const settings = [
        { brokers: [broker.internal], tls: trusting() },
        { brokers: [broker.sasl], tls: trusting(), sasl: as('SCRAM-SHA-256') },
      ];
      for (const { code, message } of (await Promise.all(settings.map(refusals))).flat()) {
        expect(code).toBe('KafkaUnavailable');
        expect(message).toContain('kafka.tls');
      }
    });
  });

  describe('rights', () => {
    const by = (user: string): Promise<KafkaClient> => open({ brokers: [broker.sasl], sasl: as('PLAIN', user) });

    /** All that a worker of the queue does with Kafka. */
    const work = {
      orchestrate: async (kafka: KafkaClient, topic: string) => {
        expect((await kafka.topics.describe(topic))?.partitions).toBe(2);
      },
      read: async (kafka: KafkaClient, topic: string) => {
        await kafka.topics.ensure(topic, 2);
        await kafka.topics.settings(topic);
        await publish(kafka, topic);
        await kafka.topics.highWatermarks(topic, 2);
        await kafka.topics.logStarts(topic, 2);
      },
      land: async (kafka: KafkaClient, topic: string) => {
        expect((await kafka.topics.describe(topic))?.partitions).toBe(2);
        expect(await readOne(kafka, topic)).toBe('{"id":1}');
        if (name === 'librdkafka') return; // its binding does not tell how the commit of a lag ends
        const reader = await kafka.openReader({
          topic,
          group: unique('headrace/land/dataset'),
          from: new Map([[0, 0]]),
        });
        await reader.commitLag(new Map([[1, 1]]));
        try {
          for (let i = 0; i < 3; i++) await reader.read(1, 100);
        } finally {
          await reader.close();
        }
      },
    };

    test('each worker works with the rights that docs/operations.md lists it', async () => {
      const topic = unique(TOPICS);
      for (const role of ['read', 'orchestrate', 'land'] as const) await work[role](await by(role), topic);
    });

    // librdkafka takes a denied group for a coordinator that is not there yet, and waits until it times out; of records
    // that were denied it says at times no more than that the transaction is in an "erroneous state".
    const untold = name === 'headrace' ? [] : ['group: Read', 'topic: Write'];
    const told = (role: 'read' | 'land'): [string, string][] =>
      RIGHTS[role]
        .map(({ name: right }, i): [string, string] => [right, `${role}without${i}`])
        .filter(([right]) => !untold.includes(right));

    /** What is refused is named: the topic, or the lane, whose name the transactional id and the group bear. */
    async function expectDenied(right: string, topic: string, working: Promise<void>): Promise<void> {
      const denied: unknown = await working.catch((error: unknown) => error);
      expect(denied, String(denied)).toMatchObject({ code: 'AccessDenied' });
      expect(denied).toHaveProperty('message', expect.stringContaining('docs/operations.md'));
      expect(denied).toHaveProperty(
        'message',
        expect.stringContaining(right.startsWith('topic') ? topic : 'headrace/'),
      );
    }

    test.each(told('read'))('no replay without %s', async (right, user) => {
      const topic = unique(TOPICS);
      await expectDenied(right, topic, work.read(await by(user), topic));
    });

    test.each(told('land'))('no landing without %s', async (right, user) => {
      const topic = unique(TOPICS);
      await work.read(await by('all'), topic);
      await expectDenied(right, topic, work.land(await by(user), topic));
    });

    test('without any right, each way in is refused by name', async () => {
      const kafka = await by('nothing');
      const topic = unique(TOPICS);
      await work.read(await by('all'), topic);
      await expectDenied('topic', topic, work.orchestrate(kafka, topic));
      await expectDenied(
        'topic',
        topic,
        kafka.topics.settings(topic).then(() => undefined),
      );
      await expectDenied(
        'topic',
        topic,
        kafka.topics.highWatermarks(topic, 2).then(() => undefined),
      );
      await expectDenied(
        'topic',
        topic,
        readOne(kafka, topic).then(() => undefined),
      );
      await expectDenied('lane', topic, publish(kafka, topic));
    });
  });
});

/** AlterUserScramCredentials (KIP-554), for names and passwords that Kafka's tool cannot be told; salted as that tool does. */
async function addScramUser(user: string, password: string): Promise<void> {
  const [host = '', port] = broker.internal.split(':');
  const connection = await openConnection({ brokers: [broker.internal] }, host, Number(port));
  const iterations = 4_096;
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const errors = await connection.send({
    api: 51,
    version: 0,
    flexible: true,
    write(out) {
      out.compactArray([], () => undefined);
      out.compactArray([user], (name) => {
        out.compactString(name);
        out.int8(1); // SCRAM-SHA-256
        out.int32(iterations);
        for (const bytes of [salt, salted]) out.compactArray([...new Int8Array(bytes)], (byte) => out.int8(byte));
        out.tags();
      });
      out.tags();
    },
    read(input) {
      input.int32();
      return input.compactArray(() => {
        input.compactString();
        const answer = { error: input.int16(), message: input.compactString() };
        input.tags();
        return answer;
      });
    },
  });
  connection.close();
  expect(errors).toEqual([{ error: 0, message: null }]);
}

describe('headrace generate --to kafka', () => {
  const EVENTS = 200;
  const TLS = { HEADRACE_KAFKA_TLS: 'true', HEADRACE_KAFKA_TLS_CA: authority.cert };
  const scram = (password: string) => ({
    HEADRACE_KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
    HEADRACE_KAFKA_SASL_USERNAME: 'all',
    HEADRACE_KAFKA_SASL_PASSWORD: password,
  });
  const generate = (env: Readonly<Record<string, string>>) =>
    runCli(['generate', 'country-sales', '--to', 'kafka', '--events', String(EVENTS), '--replace', '--json'], env);

  test.each([
    ['SCRAM over TLS', () => ({ HEADRACE_KAFKA_BROKERS: broker.saslTls, ...TLS, ...scram(PASSWORD) })],
    [
      'a client certificate',
      () => ({
        ...{ HEADRACE_KAFKA_BROKERS: broker.tls, ...TLS },
        ...{ HEADRACE_KAFKA_TLS_CERT: client.cert, HEADRACE_KAFKA_TLS_KEY: client.key },
      }),
    ],
  ])('%s', async (_, env) => {
    const { code, stdout, stderr } = await generate(env());
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ written: EVENTS });
    const { topics } = await openKafka({ brokers: [broker.internal], client: 'headrace' });
    onTestFinished(() => topics.close());
    const facts = await topics.describe('us_topic');
    const ends = await topics.highWatermarks('us_topic', facts?.partitions ?? 0);
    expect(Math.max(...Object.values(ends))).toBeGreaterThan(0);
  });

  test('a wrong password is named, and not shown', async () => {
    const wrong = { HEADRACE_KAFKA_BROKERS: broker.saslTls, ...TLS, ...scram('wr0ng-secret') };
    const { code, stdout, stderr } = await generate(wrong);
    expect(code).not.toBe(0);
    expect(stderr).toContain('signing in as all with SCRAM-SHA-512: ');
    expect(stdout + stderr).not.toContain('wr0ng-secret');
  });
});
