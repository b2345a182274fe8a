/** librdkafka settings that every client of ours shares (CONFIGURATION.md of librdkafka 2.x names them). */
import type { KafkaSettings } from '../../contracts/settings.ts';

export type ClientConfig = Record<string, string | number | boolean>;

export function kafkaClientConfig(settings: KafkaSettings, name: string): ClientConfig {
  const { tls, sasl } = settings;
  const protocol = sasl ? (tls ? 'sasl_ssl' : 'sasl_plaintext') : tls ? 'ssl' : 'plaintext';
  return {
    'bootstrap.servers': settings.brokers.join(','),
    'client.id': `headrace-${name}`,
    'security.protocol': protocol,
    // Reconnects back off up to 10 s unless told: a restarted broker would stall every hop that long.
    'reconnect.backoff.ms': 50,
    'reconnect.backoff.max.ms': 1_000,
    'socket.keepalive.enable': true,
    'socket.nagle.disable': true,
    'log.connection.close': false,
    'topic.metadata.refresh.interval.ms': 30_000,
    'allow.auto.create.topics': false,
    ...(tls?.ca === undefined ? {} : { 'ssl.ca.pem': tls.ca }),
    ...(tls?.cert === undefined ? {} : { 'ssl.certificate.pem': tls.cert }),
    ...(tls?.key === undefined ? {} : { 'ssl.key.pem': tls.key }),
    ...(tls === undefined ? {} : { 'enable.ssl.certificate.verification': tls.verify }),
    ...(sasl === undefined
      ? {}
      : { 'sasl.mechanisms': sasl.mechanism, 'sasl.username': sasl.username, 'sasl.password': sasl.password }),
  };
}
