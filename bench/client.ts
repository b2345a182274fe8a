/** One connection to one of the bench's databases. */
import pg from 'pg';

/** @param url postgres://… */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'headrace bench' });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
