/** The matrix's own tools: each fault of a link does what its name says, and a gate sees, holds and loses what it should. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { openCluster } from '../../connectors/kafka/cluster.ts';
import { required } from '../replay/setting.ts';
import { type Exchange, type Gate, opaque } from './exchanges.ts';
import { type Link, openLink } from './link.ts';
import { newRandom, seedOf } from './random.ts';
import { kafkaSplitter } from './split-kafka.ts';
import { postgresSplitter } from './split-postgres.ts';
import { newTrap } from './trap.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
const OPEN: Gate = { wants: () => false, ask: () => 'pass' };

async function echoServer(): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as { port: number }).port;
}

async function echoLink(): Promise<Link> {
  const link = await openLink({ name: 'kafka', upstream: await echoServer(), splitter: opaque, gate: OPEN });
  closing.push(() => link.close());
  return link;
}

/** Sends a text. @returns what comes back within the time, or how the connection ended */
async function say(link: Link, text: string, withinMs: number): Promise<string> {
  const socket = connect({ port: link.port, host: '127.0.0.1' });
  closing.push(() => socket.destroy());
  return await new Promise((resolve) => {
    socket.on('error', () => resolve('reset'));
    socket.on('data', (bytes) => resolve(bytes.toString()));
    socket.write(text);
    void sleep(withinMs).then(() => resolve('silence'));
  });
}

describe('a link', () => {
  test('hands bytes on, resets when cut, and serves again when mended', async () => {
    const link = await echoLink();
    expect(await say(link, 'one', 5_000)).toBe('one');
    link.cut();
    expect(await say(link, 'two', 5_000)).toBe('reset');
    link.mend();
    expect(await say(link, 'three', 5_000)).toBe('three');
  });

  test('keeps bytes while silent, and hands them on then', async () => {
    const link = await echoLink();
    link.silence();
    expect(await say(link, 'one', 200)).toBe('silence');
    const late = say(link, 'two', 5_000);
    await sleep(100);
    link.mend();
    expect(await late).toBe('two');
  });

  test('keeps order and loses nothing while slow', async () => {
    const link = await echoLink();
    link.slow(5);
    const socket = connect({ port: link.port, host: '127.0.0.1' });
    closing.push(() => socket.destroy());
    let back = '';
    socket.on('data', (bytes: Buffer) => (back += bytes.toString()));
    const sent = Array.from({ length: 200 }, (_, i) => `${i},`).join('');
    for (const part of sent.match(/.{1,50}/g) ?? []) {
      socket.write(part);
      await sleep(1);
    }
    for (let tries = 0; back.length < sent.length && tries < 500; tries++) await sleep(10);
    expect(back).toBe(sent);
  });
});

describe('a trap on PostgreSQL', () => {
  const step = { hop: 'read', name: 'x', link: 'control', what: /^INSERT INTO link_test/, times: [1, 1] } as const;

  async function database() {
    const url = new URL(required('HEADRACE_CONTROL_URL'));
    const trap = newTrap();
    const options = { name: 'control', splitter: postgresSplitter, gate: trap.gate } as const;
    const link = await openLink({ ...options, upstream: Number(url.port) });
    const direct = new pg.Client({ connectionString: url.href });
    url.port = String(link.port);
    const through = new pg.Client({ connectionString: url.href });
    through.on('error', () => undefined);
    await Promise.all([direct.connect(), through.connect()]);
    await direct.query('DROP TABLE IF EXISTS link_test');
    await direct.query('CREATE TABLE link_test (n int)');
    closing.push(
      () => link.close(),
      () => direct.query('DROP TABLE link_test').then(() => direct.end()),
      () => through.end().catch(() => undefined),
    );
    const rows = async (): Promise<number> => (await direct.query('SELECT * FROM link_test')).rowCount ?? 0;
    const insert = (): Promise<string> =>
      through.query('INSERT INTO link_test VALUES ($1)', [1]).then(
        () => 'answered',
        () => 'failed',
      );
    return { trap, rows, insert };
  }

  test('before: the statement did not reach the server, and never does', async () => {
    const { trap, rows, insert } = await database();
    const caught = trap.arm(step, 'request', 1);
    const outcome = insert();
    (await caught).release('lose');
    expect([await outcome, await rows()]).toEqual(['failed', 0]);
  });

  test('after: the statement was carried out, and the answer is lost', async () => {
    const { trap, rows, insert } = await database();
    const caught = trap.arm(step, 'answer', 1);
    const outcome = insert();
    const { release } = await caught;
    expect(await rows()).toBe(1);
    release('lose');
    expect(await outcome).toBe('failed');
  });

  test('the second time only, and then it passes', async () => {
    const { trap, rows, insert } = await database();
    const caught = trap.arm(step, 'request', 2);
    expect(await insert()).toBe('answered');
    const outcome = insert();
    const { release, exchange } = await caught;
    expect(exchange.what).toBe('INSERT INTO link_test VALUES ($1)');
    release('pass');
    expect([await outcome, await rows()]).toEqual(['answered', 2]);
  });
});

test('a link to Kafka: requests have names, and the broker that answers is the link', async () => {
  const seen: Exchange[] = [];
  const gate: Gate = { wants: () => false, ask: (exchange) => (seen.push(exchange), 'pass') };
  const [broker = ''] = required('HEADRACE_KAFKA_BROKERS').split(',');
  const ports = { broker: Number(broker.split(':')[1]), link: (): number => link.port };
  const link = await openLink({ name: 'kafka', upstream: ports.broker, splitter: kafkaSplitter(ports), gate });
  closing.push(() => link.close());
  const cluster = openCluster({ brokers: [`127.0.0.1:${link.port}`] });
  closing.push(() => cluster.close());
  expect((await cluster.coordinator('group', 'links')).peer).toBe(`127.0.0.1:${link.port}`);
  expect((await cluster.controller()).peer).toBe(`127.0.0.1:${link.port}`);
  expect(new Set(seen.map(({ what }) => what))).toEqual(new Set(['ApiVersions', 'FindCoordinator', 'Metadata']));
});

test('a seed decides all, and each name has numbers of its own', () => {
  const draw = (seed: number): number[] =>
    Array.from(
      { length: 50 },
      (
        (random) => () =>
          random.whole(6)
      )(newRandom(seed)),
    );
  expect(draw(7)).toEqual(draw(7));
  expect(draw(seedOf(7, 'a'))).not.toEqual(draw(seedOf(7, 'b')));
  expect(new Set(draw(7))).toEqual(new Set([0, 1, 2, 3, 4, 5]));
});
