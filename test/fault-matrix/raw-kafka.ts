/** Kafka past Headrace's own client: topics made and deleted by somebody else. */
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { required } from '../replay/setting.ts';

export async function kafkaAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
  const brokers = required('HEADRACE_KAFKA_BROKERS').split(',');
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}
