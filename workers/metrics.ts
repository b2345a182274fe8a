/**
 * What a worker counts, for Prometheus: docs/observability.md has each in its table. Counters are of this process since it
 * began; gauges of the lake's state are read when scraped (state-gauges.ts), the same from every worker that has them.
 */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';

export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter<L>({ name: `headrace_${name}`, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge<L>({ name: `headrace_${name}`, help, labelNames, registers });
  return {
    registry,
    rows: counter('rows_total', 'Rows that a hop brought in', ['hop', 'pipeline']),
    bytes: counter('bytes_total', 'Bytes that a hop sent, stored or fetched', ['hop', 'pipeline']),
    transactions: counter('transactions_total', 'Kafka transactions noted as in', ['pipeline']),
    cutsSealed: counter('cuts_sealed_total', 'Cuts sealed, by what closed them', ['pipeline', 'reason']),
    cutsLoaded: counter('cuts_loaded_total', 'Cuts loaded into the warehouse', ['pipeline']),
    loadSeconds: counter('load_seconds_total', 'Seconds spent in load transactions', ['pipeline']),
    deadLetters: counter('dead_letters_total', 'Records put to the dead letters', ['hop', 'pipeline']),
    retries: counter('activity_retries_total', 'Attempts after the first', ['activity', 'pipeline']),
    failures: counter('activity_failures_total', 'Attempts that failed, by fault', ['activity', 'code']),
    running: gauge('activities_running', 'Activities running now', ['activity']),
    info: gauge('worker_info', 'Always 1; says which worker this is', ['version', 'queues', 'identity']),
    landLag: gauge('land_lag_offsets', 'Offsets in the topic and not landed yet', ['pipeline', 'dataset', 'topic']),
    loadLag: gauge('load_lag_offsets', 'Offsets landed and not loaded yet', ['pipeline', 'dataset']),
    openCut: gauge('oldest_open_cut_seconds', 'Age of the oldest cut under way; 0: none is', ['pipeline', 'dataset']),
    deadLettersOpen: gauge('dead_letters_open', 'Dead letters neither re-driven nor dismissed', [
      'pipeline',
      'dataset',
    ]),
    lost: gauge('lost_offsets', 'Offsets that could not be landed', ['pipeline', 'dataset']),
    lastLoad: gauge('last_load_timestamp_seconds', 'When a load last moved the ledger', ['pipeline']),
    stateRead: gauge('state_read_success', '1: the gauges of state are fresh; 0: they could not be read', []),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
