/**
 * The words of the local stack. What `up` hands back (`StackInfo`) is the contract of `headrace up --json`:
 * every address and credential of every service, and the variables a shell needs to use them from elsewhere.
 */

/** The services a user sees. One PostgreSQL server holds the three databases sales, warehouse and control. */
export const SERVICE_NAMES = ['postgres', 'temporal', 'kafka', 's3'] as const;
/** Begun only when they are asked for by name. */
export const EXTRA_SERVICE_NAMES = ['mariadb'] as const;
export type ExtraServiceName = (typeof EXTRA_SERVICE_NAMES)[number];
export type ServiceName = (typeof SERVICE_NAMES)[number] | ExtraServiceName;

export const DATABASES = ['sales', 'warehouse', 'control'] as const;
export type Database = (typeof DATABASES)[number];

/** Of the MariaDB server; the control database is PostgreSQL's in any case. */
export const MYSQL_DATABASES = ['sales', 'warehouse'] as const;
export type MysqlDatabase = (typeof MYSQL_DATABASES)[number];

/** Who serves S3: MinIO, or SeaweedFS where Go is missing. Fixed by a home's first `up`: the data layouts differ. */
export type S3Kind = 'minio' | 'seaweedfs';

export const TEMPORAL_NAMESPACE = 'default';
export const S3_REGION = 'us-east-1';
export const S3_BUCKET = 'lake';
/** Keyword search attributes that workflows set; registered when the Temporal server starts. */
export const SEARCH_ATTRIBUTES = ['HeadracePipeline', 'HeadraceReplayId', 'HeadracePhase', 'HeadraceDataset'] as const;

export interface StackInfo {
  temporal: { address: string; namespace: string; ui: string };
  kafka: { brokers: string[] };
  s3: {
    endpoint: string;
    region: string;
    accessKeyId: string;
    secretAccessKey: string;
    bucket: string;
    console: string;
  };
  postgres: Record<Database, string>;
  /** Where the stack has been asked for MariaDB. */
  mysql?: Record<MysqlDatabase, string>;
  env: Record<string, string>;
}

export type StackState = 'building' | 'starting' | 'ready' | 'found' | 'failed' | 'stopping' | 'stopped';

/** One line of progress. `seconds` counts from the start of the service's own work; `detail` is for a human. */
export interface StackEvent {
  service: ServiceName | 'kafka-binding';
  state: StackState;
  seconds: number;
  detail: string;
}

export type OnProgress = (event: StackEvent) => void;

/** Settings that name a service of the user's own; what is named is used as it is and never started or stopped. */
export interface GivenServices {
  temporalAddress?: string;
  temporalNamespace?: string;
  kafkaBrokers?: string[];
  s3?: { endpoint: string; region: string; accessKeyId: string; secretAccessKey: string };
  postgres: Partial<Record<Database, string>>;
}
