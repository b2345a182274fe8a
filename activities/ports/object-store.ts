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
  /** As putIfAbsent, of a few bytes in memory. */
  putBytesIfAbsent(bucket: string, name: string, bytes: Buffer): Promise<'created' | 'exists'>;
  /** Null when there is no such object. */
  head(bucket: string, name: string): Promise<{ bytes: number; metadata: Readonly<Record<string, string>> } | null>;
  /** Streams an object to a local file. @returns bytes */
  download(bucket: string, name: string, path: string): Promise<number>;
  /** A small object's bytes; null when there is none. */
  read(bucket: string, name: string): Promise<Buffer | null>;
  /** All objects whose names begin with the prefix, in the order of their names, a page at a time. */
  list(bucket: string, prefix: string): AsyncIterable<readonly ListedObject[]>;
  /**
   * Copies an object with its metadata inside the store, up to 5 GiB; what has the other name is overwritten.
   * @returns false where there is no object of the first name
   */
  copy(bucket: string, from: string, to: string): Promise<boolean>;
  /** Removes an object; that there is none is fine too. */
  remove(bucket: string, name: string): Promise<void>;
}

export interface ListedObject {
  name: string;
  bytes: number;
  /** Epoch milliseconds, the store's clock. */
  modifiedAt: number;
}
