/** What a process needs to reach the services. Holds secrets: never a workflow's input, never logged. */

export interface TlsSettings {
  /** PEM text or absent for the system's roots. */
  ca?: string;
  cert?: string;
  key?: string;
  /** false only when the user says so. */
  verify: boolean;
}

export const KAFKA_CLIENTS = ['headrace', 'librdkafka'] as const;

export interface KafkaSettings {
  /** Default: headrace, our own. */
  client?: (typeof KAFKA_CLIENTS)[number];
  brokers: readonly string[];
  tls?: TlsSettings;
  sasl?: { mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'; username: string; password: string };
  /** Replication factor for topics that Headrace creates. Default: the broker's. */
  replicationFactor?: number;
}

export interface S3Settings {
  /** Absent: AWS. */
  endpoint?: string;
  region: string;
  pathStyle: boolean;
  /** Absent: the standard credentials chain (environment, profile, instance role). */
  accessKeyId?: string;
  secretAccessKey?: string;
}

/** A database's address; which kind it is of, the address says. */
export interface DatabaseSettings {
  /** postgres://user:password@host:port/database?sslmode=…, or mysql://user:password@host:port/database */
  url: string;
  tls?: TlsSettings;
}
export type PostgresSettings = DatabaseSettings;
export type MysqlSettings = DatabaseSettings;

export function isMysql({ url }: DatabaseSettings): boolean {
  return /^(mysql|mariadb):/.test(url);
}

export interface EncryptionKey {
  id: string;
  /** 32 bytes, base64. */
  key: string;
}

export interface TemporalSettings {
  address: string;
  namespace: string;
  tls?: TlsSettings | true;
  apiKey?: string;
  /** The first encrypts what workflows carry, all decrypt it. Absent: nothing is encrypted. */
  encryptionKeys?: readonly EncryptionKey[];
  /** Base address of the Temporal UI, for links. */
  ui?: string;
}

export interface WorkerSettings {
  /** Budget of a worker's open landing buffers, bytes; the largest buffer is cut early when it is spent. */
  landMemoryBytes: number;
  /** Threads that DuckDB may use to load and verify. */
  queryThreads: number;
  /** Where temporary files go. Default: the system's. */
  scratch?: string;
  /** Where metrics and health are served. Absent: the first free port of the loopback address from 9464 on. */
  metrics?: MetricsAddress | 'off';
}

export interface MetricsAddress {
  host: string;
  port: number;
}

export interface Settings {
  connections: Readonly<Record<string, DatabaseSettings>>;
  control: PostgresSettings;
  kafka: KafkaSettings;
  s3: S3Settings;
  temporal: TemporalSettings;
  worker: WorkerSettings;
}
