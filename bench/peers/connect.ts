/**
 * Kafka Connect standalone with one connector: what its connectors share. Values are JSON without schemas, as Headrace's records.
 * The clock of its peers runs from the last look that saw no beginning to the first that saw the end (a look every 20 ms),
 * so the start of the JVM and of Connect are outside.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tailOf } from '../../stack/log-tail.ts';
import { jars } from '../jars.ts';
import type { PeerInput, PeerResult } from './peer.ts';

const KAFKA_VERSION = '4.1.1';
const LOOK_MS = 20;
/** Without a further row for so long it has failed, whether it says so or not. */
const SILENCE_MS = 120_000;
const STOP_MS = 20_000;

type Settings = Readonly<Record<string, string>>;

export interface ConnectJob {
  /** Of the folder of jars; must change when the artifacts do. */
  name: string;
  /** The connector's own, group:artifact:version. */
  artifacts: readonly string[];
  /** Beyond brokers, converters and the offsets' file. */
  worker: Settings;
  connector: Settings;
  /** Rows that have arrived; undefined as long as the clock must not run. */
  arrived: () => Promise<number | undefined>;
}

/** @throws Error with the end of Connect's log if it ended, or no row came for long */
export async function runConnect(input: PeerInput, job: ConnectJob): Promise<PeerResult> {
  const { stack, folder } = input;
  const folderOfJars = await jars(job.name, stack.cache, [
    `org.apache.kafka:connect-runtime:${KAFKA_VERSION}`,
    `org.apache.kafka:connect-json:${KAFKA_VERSION}`,
    'org.slf4j:slf4j-simple:1.7.36',
    ...job.artifacts,
  ]);
  const file = (name: string): string => join(folder, name);
  writeFileSync(file('worker.properties'), properties({ ...workerSettings(input), ...job.worker }));
  // Passwords are in it.
  writeFileSync(file('connector.properties'), properties(job.connector), { mode: 0o600 });
  const output = openSync(file('connect.log'), 'a');
  const main = 'org.apache.kafka.connect.cli.ConnectStandalone';
  const files = [file('worker.properties'), file('connector.properties')];
  const child = spawn('java', ['-Xmx2g', '-cp', join(folderOfJars, '*'), main, ...files], {
    stdio: ['ignore', output, output],
  });
  const ended = once(child, 'exit');
  try {
    const failed = (): boolean => child.exitCode !== null || child.signalCode !== null;
    return await firstToLast(job.arrived, input.rows, failed);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${message}\n${tailOf(file('connect.log'))}`, { cause: error });
  } finally {
    child.kill('SIGTERM');
    // Its shutdown hook hung for good once, after all was measured.
    const killed = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(killed);
    closeSync(output);
  }
}

/** @throws Error if the process ended or no row came for long */
async function firstToLast(look: ConnectJob['arrived'], rows: number, failed: () => boolean): Promise<PeerResult> {
  let [began, seen, heard] = [performance.now(), 0, performance.now()];
  for (;;) {
    const looked = performance.now();
    const arrived = await look();
    if (arrived === undefined) began = looked;
    else if (arrived >= rows) return { arrived, seconds: (performance.now() - began) / 1000 };
    if (arrived !== undefined && arrived > seen) [seen, heard] = [arrived, looked];
    if (failed()) throw new Error(`Kafka Connect ended with ${seen} rows delivered`);
    if (looked - heard > SILENCE_MS) throw new Error(`no row for ${SILENCE_MS / 1000} s after ${seen}`);
    await sleep(LOOK_MS);
  }
}

function workerSettings({ stack, folder }: PeerInput): Settings {
  const json = 'org.apache.kafka.connect.json.JsonConverter';
  return {
    'bootstrap.servers': stack.info.kafka.brokers.join(','),
    listeners: 'http://127.0.0.1:0',
    'key.converter': json,
    'key.converter.schemas.enable': 'false',
    'value.converter': json,
    'value.converter.schemas.enable': 'false',
    'offset.storage.file.filename': join(folder, 'offsets'),
    'plugin.discovery': 'hybrid_warn',
  };
}

/** A backslash is the one character of a value that Java's format changes. */
function properties(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('');
}
