/**
 * A partition has no leader for a while when brokers go or come: metadata say so, and no answer ever tells that it is over. A
 * stopping broker says it for 60 ms, too short to be met on purpose; so a proxy says it in the place of the broker.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KafkaClient, openKafka as openClient } from '../../workers/kafka-client.ts';
import { openKafka, unique } from '../land/services.ts';

let client: KafkaClient;
beforeAll(async () => {
  client = await openClient(openKafka());
});
afterAll(() => client.topics.close());

/** In a metadata answer (version 10 and later), behind the topic's name: id, is-internal, count of partitions, error, partition. */
const NAME_TO_LEADER = 16 + 1 + 1 + 2 + 4;

/** Passes everything on, but tells of the topic's first partition that nobody leads it. */
async function leaderlessProxy(topic: string) {
  const [host = '', port = ''] = (openKafka().brokers[0] ?? '').split(':');
  const state = { hiding: true, hidden: 0 };
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect({ host, port: Number(port) });
    sockets.push(near, far);
    near.pipe(far);
    far.on('data', (bytes) => {
      const name = bytes.indexOf(topic);
      if (state.hiding && name >= 0) {
        bytes.writeInt32BE(-1, name + topic.length + NAME_TO_LEADER);
        state.hidden += 1;
      }
      near.write(bytes);
    });
    for (const socket of [near, far]) socket.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { state, broker: `127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

test('a partition without a leader is looked for until it has one', async () => {
  const topic = unique('leaderless');
  await client.topics.ensure(topic, 1);
  const writer = await client.openLane({ topic, laneId: `${topic}/0`, replayId: 'r', schemaVersion: 'v1' });
  await writer.begin();
  writer.send(0, Buffer.from('{"id":1}'), Buffer.from('{"id":1}'), 0);
  await writer.commit(1, 'one');
  await writer.close();

  const proxy = await leaderlessProxy(topic);
  const seen = await openClient({ ...openKafka(), brokers: [proxy.broker] });
  const reader = await seen.openReader({ topic, group: topic, from: new Map([[0, 0]]) });
  expect(await reader.read(10, 500)).toEqual([]);
  expect(proxy.state.hidden).toBeGreaterThan(1);
  proxy.state.hiding = false;
  const found: number[] = [];
  for (let i = 0; i < 50 && found.length === 0; i++) {
    found.push(...(await reader.read(10, 100)).map(({ offset }) => offset));
  }
  expect(found).toEqual([0]);
  await reader.close();
  await seen.topics.close();
  proxy.close();
});
