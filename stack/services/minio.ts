/**
 * MinIO on one folder, with its web console. Its community edition is published as source only, so it is built with
 * Go: two and a half minutes on two cores, once a user; `up` starts it first and everything else comes up meanwhile.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { artifact } from '../artifacts.ts';
import { runCommand } from '../run-command.ts';
import type { Service } from '../service.ts';
import { createBucket } from './s3-bucket.ts';

/** The last of the community edition, which is no longer developed. */
const VERSION = 'v0.0.0-20260212201848-7aac2a2c5b7c';
const KEY = `minio-${VERSION}-${process.platform}-${process.arch}`;

export const minioIsBuilt = (cache: string): boolean => existsSync(join(cache, KEY));

export const minio: Service = {
  name: 's3',
  title: 'minio',
  startTimeoutMs: 60_000,
  stopSignal: 'SIGTERM',
  stopGraceMs: 10_000,
  ports: ({ ports }) => [ports.s3, ports.s3Console],
  needs: (cache) => (minioIsBuilt(cache) ? [] : ['go']),

  async prepare({ home, cache, state, signal, say }) {
    const onWait = (pid: number): void => say('building', `process ${pid} is building it`);
    const folder = await artifact(KEY, { cache, signal, onWait }, async (building) => {
      say('building', 'building MinIO from source (about 3 minutes, once)');
      await runCommand('go', ['install', `github.com/minio/minio@${VERSION}`], {
        env: { GOBIN: building, CGO_ENABLED: '0', GOFLAGS: '-trimpath' },
        log: join(cache, 'logs', 'minio.log'),
        signal,
        remedy: 'Go 1.24 or later must reach its module proxy',
      });
    });
    const data = join(home, 'minio');
    mkdirSync(data, { recursive: true });
    const { ports, secrets } = state;
    return {
      command: join(folder, 'minio'),
      args: [
        ...['server', data, '--quiet', '--address', `127.0.0.1:${ports.s3}`],
        ...['--console-address', `127.0.0.1:${ports.s3Console}`],
      ],
      env: {
        MINIO_ROOT_USER: secrets.s3AccessKeyId,
        MINIO_ROOT_PASSWORD: secrets.s3SecretAccessKey,
        MINIO_UPDATE: 'off',
      },
    };
  },

  async ready({ state }) {
    await createBucket(state);
  },

  async healthy({ state }) {
    const answer = await fetch(`http://127.0.0.1:${state.ports.s3}/minio/health/live`, {
      signal: AbortSignal.timeout(1_500),
    });
    if (!answer.ok) throw new Error(`health answer ${answer.status}`);
  },
};
