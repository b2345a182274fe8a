/**
 * The requests that we make, one version of each: those that brokers from 2.8 (2021) to 4.x speak, so that there is one code
 * path to test. Forms and numbers: https://kafka.apache.org/protocol#protocol_api_keys
 */

export interface Api {
  api: number;
  version: number;
  /** Versions with tagged fields have another header. */
  flexible?: true;
}

export const APIS = {
  produce: { api: 0, version: 7 },
  fetch: { api: 1, version: 11 },
  listOffsets: { api: 2, version: 5 },
  metadata: { api: 3, version: 10, flexible: true },
  commitOffsets: { api: 8, version: 7 },
  fetchOffset: { api: 9, version: 7, flexible: true },
  findCoordinator: { api: 10, version: 2 },
  saslHandshake: { api: 17, version: 1 },
  apiVersions: { api: 18, version: 0 },
  createTopic: { api: 19, version: 4 },
  initProducerId: { api: 22, version: 1 },
  addPartitions: { api: 24, version: 1 },
  addOffsets: { api: 25, version: 1 },
  endTransaction: { api: 26, version: 1 },
  commitOffsetInTransaction: { api: 28, version: 2 },
  describeConfigs: { api: 32, version: 1 },
  saslAuthenticate: { api: 36, version: 1 },
} as const satisfies Record<string, Api>;
