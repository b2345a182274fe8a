/**
 * Looks that change nothing, made in the command's own process: they must answer when no worker runs, at 3 am most of all.
 */
import { openInspectStore } from '../connectors/postgres/inspect-store.ts';
import { openPool } from '../connectors/postgres/pool.ts';
import { openReplays } from '../connectors/postgres/replay-store.ts';
import { messageOf } from '../contracts/errors.ts';
import type { HopCounts, PipelineLook, PlanLook } from '../contracts/inspect.ts';
import { datasetOf, type PipelineSpec } from '../contracts/pipeline.ts';
import type { ReplayScope } from '../contracts/replay.ts';
import type { Settings } from '../contracts/settings.ts';
import { connectionOf } from './config/index.ts';
import { openWarehouse } from './databases.ts';
import { openKafka } from './kafka-client.ts';
import { readPlan } from './plan-look.ts';
import { storeAddress, unreachable } from './reachable.ts';

export interface Inspector {
  /** @throws Fault ControlUnavailable */
  readProgress(replayId: string): Promise<HopCounts | null>;
  /** The replay of the same pipeline that publishes while this one is only planned; null: none. */
  readAhead(replayId: string): Promise<string | null>;
  /** Of all pipelines that ever replayed, or of one. */
  readStatus(pipeline?: string): Promise<PipelineLook[]>;
  readPlan(spec: PipelineSpec, scope: ReplayScope, speed?: number): Promise<PlanLook>;
  close(): Promise<void>;
}

export async function openInspector(settings: Settings): Promise<Inspector> {
  const pool = openPool(settings.control, 'inspect', 2);
  const store = openInspectStore(pool);
  const { topics } = await openKafka(settings.kafka);
  return {
    readProgress: (replayId) => store.hopCounts(replayId),
    readAhead: (replayId) => store.ahead(replayId),
    async readStatus(pipeline) {
      const found = await store.pipelines(pipeline);
      const open = await store.openReplays(found.map(({ spec }) => spec.name));
      const away = (await unreachable(storeAddress(settings))).map(({ message }) => message);
      return Promise.all(
        found.map(({ spec, topicId, counts }) => look(spec, topicId, counts, open.get(spec.name) ?? [], away)),
      );
    },
    readPlan: (spec, scope, speed) => readPlan(settings, topics, openReplays(pool), spec, scope, speed),
    async close() {
      await Promise.all([pool.end(), topics.close()]);
    },
  };

  async function look(
    spec: PipelineSpec,
    topicId: string,
    replay: HopCounts,
    open: readonly HopCounts[],
    away: readonly string[],
  ): Promise<PipelineLook> {
    const dataset = datasetOf(spec.lake);
    const silent = [...away];
    const tried = async <T>(work: () => Promise<T>): Promise<T | null> => {
      try {
        return await work();
      } catch (error) {
        silent.push(messageOf(error));
        return null;
      }
    };
    const { next, ...lake } = await store.lake(dataset, topicId);
    const landLag = tried(async () => {
      const facts = await topics.describe(spec.topic.name);
      if (!facts || facts.topicId !== topicId) return null;
      const ends = await topics.highWatermarks(spec.topic.name, facts.partitions);
      return Object.entries(ends).reduce(
        (sum, [partition, end]) => sum + Math.max(0, end - (next.get(Number(partition)) ?? 0)),
        0,
      );
    });
    const loadLag = tried(async () => {
      const to = connectionOf(settings, spec.warehouse.connection);
      const warehouse = openWarehouse(to);
      try {
        const ledger = await warehouse.ledger(spec.warehouse.table, topicId);
        return [...next].reduce((sum, [partition, end]) => sum + Math.max(0, end - (ledger.get(partition) ?? 0)), 0);
      } finally {
        await warehouse.close();
      }
    });
    return {
      pipeline: spec.name,
      dataset,
      topic: spec.topic.name,
      replay,
      open,
      lake,
      newColumns: await store.newColumns(dataset),
      landLag: await landLag,
      load: await store.loads(spec.name),
      loadLag: await loadLag,
      unreachable: silent,
    };
  }
}
