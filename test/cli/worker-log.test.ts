/** What a worker logs while Temporal is away, the SDK's native half included, is a JSON object a line. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { makeNamespace } from '../temporal-namespace.ts';
import { startCli } from './run-cli.ts';

test('a worker that Temporal goes away from logs JSON lines only', { timeout: 120_000 }, async () => {
  const [host = '', port = ''] = (process.env.HEADRACE_TEMPORAL_ADDRESS ?? '').split(':');
  const sockets = new Set<Socket>();
  const proxy = createServer((incoming) => {
    const outgoing = connect(Number(port), host);
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    incoming.pipe(outgoing).pipe(incoming);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const env = Object.entries(process.env).filter(
    ([name]) => /^(HEADRACE_|AWS_)/.test(name) && name !== 'HEADRACE_HOME',
  );
  const worker = startCli(['worker', '--only', 'orchestrate'], {
    ...(Object.fromEntries(env) as Record<string, string>),
    HEADRACE_TEMPORAL_ADDRESS: `127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    HEADRACE_TEMPORAL_NAMESPACE: await makeNamespace(),
    HEADRACE_METRICS: 'off',
  });
  await worker.told(/polling/);
  proxy.close();
  for (const socket of sockets) socket.destroy();
  await Promise.race([worker.told(/Connection refused/), sleep(40_000)]);
  worker.kill('SIGKILL');
  const { stderr, stdout } = await worker.ended;
  expect(stdout).toBe('');
  const lines = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toContainEqual(
    expect.objectContaining({ level: 40, sdkComponent: 'core', msg: expect.stringContaining('gRPC call') as string }),
  );
});
