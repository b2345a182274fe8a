/** What `up` hands back, put together from the state file and from the services that the user's settings name. */
import { databaseUrl, mysqlUrl, seaweedConsole } from './addresses.ts';
import { markedEnvironment } from './environment.ts';
import type { StackStateFile } from './state.ts';
import {
  S3_BUCKET,
  S3_REGION,
  TEMPORAL_NAMESPACE,
  type Database,
  type GivenServices,
  type StackInfo,
} from './types.ts';

/** Addresses and credentials of every service; a service that the user named keeps the user's own. */
export function stackInfo(home: string, state: StackStateFile, given: GivenServices): StackInfo {
  const { ports, secrets } = state;
  const temporal =
    given.temporalAddress === undefined
      ? {
          address: `127.0.0.1:${ports.temporal}`,
          namespace: TEMPORAL_NAMESPACE,
          ui: `http://127.0.0.1:${ports.temporalUi}`,
        }
      : { address: given.temporalAddress, namespace: given.temporalNamespace ?? TEMPORAL_NAMESPACE, ui: '' };
  const kafka = { brokers: given.kafkaBrokers ?? [`127.0.0.1:${ports.kafka}`] };
  const s3 =
    given.s3 === undefined
      ? {
          endpoint: `http://127.0.0.1:${ports.s3}`,
          region: S3_REGION,
          accessKeyId: secrets.s3AccessKeyId,
          secretAccessKey: secrets.s3SecretAccessKey,
          bucket: S3_BUCKET,
          console: state.s3Kind === 'minio' ? `http://127.0.0.1:${ports.s3Console}` : seaweedConsole(state),
        }
      : { ...given.s3, bucket: S3_BUCKET, console: '' };
  const url = (database: Database): string => given.postgres[database] ?? databaseUrl(state, database);
  const postgres = { sales: url('sales'), warehouse: url('warehouse'), control: url('control') };
  // While it runs: a connection that nobody answers would keep a worker from starting.
  const runsMariadb =
    state.processes.mariadb !== undefined || (state.mode === 'compose' && state.mariadb !== undefined);
  const mysql = runsMariadb ? { sales: mysqlUrl(state, 'sales'), warehouse: mysqlUrl(state, 'warehouse') } : undefined;
  const env = {
    HEADRACE_HOME: home,
    HEADRACE_TEMPORAL_ADDRESS: temporal.address,
    HEADRACE_TEMPORAL_NAMESPACE: temporal.namespace,
    ...(temporal.ui === '' ? {} : { HEADRACE_TEMPORAL_UI: temporal.ui }),
    HEADRACE_KAFKA_BROKERS: kafka.brokers.join(','),
    HEADRACE_S3_ENDPOINT: s3.endpoint,
    HEADRACE_S3_REGION: s3.region,
    HEADRACE_S3_PATH_STYLE: 'true',
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    HEADRACE_CONTROL_URL: postgres.control,
    HEADRACE_CONNECTION_SALES: postgres.sales,
    HEADRACE_CONNECTION_WAREHOUSE: postgres.warehouse,
    ...(mysql === undefined
      ? {}
      : { HEADRACE_CONNECTION_MYSQL_SALES: mysql.sales, HEADRACE_CONNECTION_MYSQL_WAREHOUSE: mysql.warehouse }),
  };
  return { temporal, kafka, s3, postgres, ...(mysql === undefined ? {} : { mysql }), env: markedEnvironment(env) };
}
