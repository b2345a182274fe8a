/** The part of parquetjs-lite 0.8.7 that is used; it brings no types. */
declare module 'parquetjs-lite' {
  export interface ParquetCursor {
    /** Null behind the last row. */
    next(): Promise<Record<string, unknown> | null>;
  }
  export class ParquetReader {
    static openFile(path: string): Promise<ParquetReader>;
    getCursor(columns?: readonly (readonly string[])[]): ParquetCursor;
    close(): Promise<void>;
  }
  const parquet: { ParquetReader: typeof ParquetReader };
  export default parquet;
}
