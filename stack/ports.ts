/**
 * Ports for a home's services, chosen once and then kept. They lie below the range from which kernels take the
 * ports of outgoing connections (Linux: 32768 on, macOS and IANA: 49152 on): a port within it can be taken by any
 * client while its service is down for a moment, and the service could not come back on it.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { StackError } from './stack-error.ts';

const LOWEST = 15_000;
const HIGHEST = 32_000;
const ATTEMPTS = 400;
/** A port that is taken for longer is not one that a killed service is about to give back. */
export const PORT_TIMEOUT_MS = 2_000;

/** Whether a server could listen on 127.0.0.1:port now. */
export async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host: '127.0.0.1', port, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** Whether the port is free within `timeoutMs`: the kernel takes a moment to close what a killed process held. */
export async function becomesFree(port: number, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isFree(port))) {
    if (Date.now() > deadline) return false;
    await sleep(50);
  }
  return true;
}

/**
 * Picks one free port a name, all different. Random, so that two homes that choose at the same moment
 * do not meet (with 16 ports each of 17,000: once in 70 such moments; the loser's service then fails to listen,
 * says so, and the next `up` chooses again).
 */
export async function choosePorts<N extends string>(names: readonly N[]): Promise<Record<N, number>> {
  const chosen = new Set<number>();
  for (let attempt = 0; attempt < ATTEMPTS && chosen.size < names.length; attempt++) {
    const port = randomInt(LOWEST, HIGHEST);
    if (!chosen.has(port) && (await isFree(port))) chosen.add(port);
  }
  if (chosen.size < names.length) {
    throw new StackError(`fewer than ${names.length} ports are free on 127.0.0.1 between ${LOWEST} and ${HIGHEST}`);
  }
  const ports = [...chosen];
  return Object.fromEntries(names.map((name, index) => [name, ports[index]])) as Record<N, number>;
}
