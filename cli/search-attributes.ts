/** Search attributes as Temporal's API gives them: payloads of JSON. */
import { SEARCH_ATTRIBUTES } from '../contracts/temporal.ts';

type Fields = Readonly<Record<string, { data?: Uint8Array | null }>>;

/** What a workflow says it is at: publishing, loading…; empty where it says nothing. */
export function phaseOf(fields: Fields | null | undefined): string {
  const data = fields?.[SEARCH_ATTRIBUTES.phase]?.data;
  if (!data) return '';
  // A keyword is a string, or a list of one.
  const value: unknown = JSON.parse(Buffer.from(data).toString('utf8'));
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' ? first : '';
}
