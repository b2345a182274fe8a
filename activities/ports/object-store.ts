/** Port to S3-compatible storage. Conditional PUT is what the manifest's safety rests on, so a store is probed before use. */
export interface ObjectStore {
  /** @throws Fault StoreUnsuited when the bucket is missing or a second If-None-Match PUT of one name succeeds */
  probe(bucket: string, prefix: string): Promise<void>;
  /**
   * PUT with `If-None-Match: *`.
   * @returns 'created', or 'exists' when an object of that name is there (whoever wrote it, a lost answer of ours included)
   */
  putIfAbsent(
    bucket: string,
    name: string,
    path: string,
    metadata: Readonly<Record<string, string>>,
  ): Promise<'created' | 'exists'>;
  /** Null when there is no such object. */
  head(bucket: string, name: string): Promise<{ bytes: number; metadata: Readonly<Record<string, string>> } | null>;
  /** Streams an object to a local file. @returns bytes */
  download(bucket: string, name: string, path: string): Promise<number>;
}
