/**
 * Kafka brokers of a test's own, beside the stack's one. Guarantees: each ends with the test process, also when its start
 * fails, and none outlives a `kill`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { childEnvironment, stackFolders } from '../../stack/environment.ts';
import { tailOf } from '../../stack/log-tail.ts';
import { runCommand } from '../../stack/run-command.ts';
import { coordinatorsAnswer } from '../../stack/services/kafka-readiness.ts';
import { kafkaJars } from '../../stack/services/kafka.ts';

export interface BrokerFiles {
  /** server.properties */
  properties: string;
  log: string;
}

export interface BrokerProcess {
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** How it ended; undefined while it runs. */
  ended(): string | undefined;
}

const START_TIMEOUT_MS = 60_000;
const PAUSE_MS = 100;
const JVM = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto'];
/** Java reads its arguments in the locale's encoding: user names of any language need this one. */
const UNICODE = { LC_ALL: 'C.UTF-8' };

async function java(heapMiB: number): Promise<string[]> {
  return [...JVM, `-Xmx${heapMiB}m`, '-cp', join(await kafkaJars(stackFolders().cache), '*')];
}

/** Makes a broker's storage. @param more arguments of Kafka's StorageTool */
export async function formatBroker({ properties, log }: BrokerFiles, more: readonly string[]): Promise<void> {
  const args = [...(await java(256)), 'kafka.tools.StorageTool', 'format', '--config', properties, ...more];
  await runCommand('java', args, { log, env: UNICODE });
}

export async function launchBroker({ properties, log }: BrokerFiles): Promise<BrokerProcess> {
  const args = [...(await java(512)), 'kafka.Kafka', properties];
  const output = openSync(log, 'a');
  const child: ChildProcess = spawn('java', args, {
    env: childEnvironment(UNICODE),
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  let ended: string | undefined;
  const gone = new Promise<void>((resolve) => {
    child.once('error', (error) => resolve(void (ended = error.message)));
    child.once('exit', (code, signal) => resolve(void (ended = `ended with ${code ?? signal}`)));
  });
  const die = (): void => void child.kill('SIGKILL');
  process.once('exit', die);
  return {
    ended: () => ended,
    async kill() {
      process.off('exit', die);
      die();
      await gone;
    },
  };
}

/** @throws Error with the end of its log when it ends instead, or does not answer in time */
export async function untilReady(
  broker: BrokerProcess,
  { log }: BrokerFiles,
  address: string,
  internalPartitions: number,
): Promise<void> {
  for (const deadline = performance.now() + START_TIMEOUT_MS; ; await sleep(PAUSE_MS)) {
    try {
      return await coordinatorsAnswer(address, internalPartitions);
    } catch (error) {
      if (broker.ended() === undefined && performance.now() < deadline) continue;
      throw new Error(`the broker at ${address} ${broker.ended() ?? 'does not answer'}; ${tailOf(log)}`, {
        cause: error,
      });
    }
  }
}
