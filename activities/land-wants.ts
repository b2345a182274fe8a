/**
 * How far a dataset is wanted to be landed, from its requests. A request counts while its requester lives: a workflow's
 * ends with the workflow, a person's when it is reached or ended. Ends of another topic id count for nothing here: whoever
 * waits for them is told that the topic was made anew.
 */
import type { LandPorts } from './land-ports.ts';
import type { OpenRequest } from './ports/manifest.ts';

const LIFE_CHECK_MS = 10_000;
const POLL_MS = 500;

export interface Wants {
  /** Somebody wants landing without a known end. */
  continuous: boolean;
  /** The furthest wanted end a partition. */
  ends: ReadonlyMap<number, number>;
}

export interface WantsReader {
  read(): Promise<Wants>;
}

export function createWantsReader(
  ports: Pick<LandPorts, 'manifest' | 'isWorkflowOpen'>,
  dataset: string,
  topicId: string,
): WantsReader {
  /** When a workflow was last seen open, ms. */
  const seenOpen = new Map<string, number>();

  async function lives(request: OpenRequest): Promise<boolean> {
    const { workflowId } = request;
    if (workflowId === null) return true;
    if (performance.now() - (seenOpen.get(workflowId) ?? -Infinity) < LIFE_CHECK_MS) return true;
    if (await ports.isWorkflowOpen(workflowId)) {
      seenOpen.set(workflowId, performance.now());
      return true;
    }
    await ports.manifest.endRequest(dataset, request.requestId);
    return false;
  }

  return {
    async read() {
      const ends = new Map<number, number>();
      let continuous = false;
      const requests = await ports.manifest.requests(dataset);
      const next = requests.length > 0 ? await ports.manifest.positions(dataset, topicId) : {};
      for (const request of requests) {
        const mine = request.ends.filter((end) => end.topicId === topicId);
        const open = request.continuous || mine.some(({ partition, end }) => (next[partition] ?? -1) < end);
        if (!open && request.workflowId === null) await ports.manifest.endRequest(dataset, request.requestId);
        if (!open || !(await lives(request))) continue;
        continuous ||= request.continuous;
        for (const { partition, end } of mine) ends.set(partition, Math.max(end, ends.get(partition) ?? 0));
      }
      return { continuous, ends };
    },
  };
}

export interface WantsPoll {
  /** The latest answer; null before the first. Asks anew in the background. @throws what the last question threw */
  now(): Wants | null;
  stop(): void;
}

/** Asks about twice a second, without holding up whoever reads. */
export function createWantsPoll(
  ports: Pick<LandPorts, 'manifest' | 'isWorkflowOpen'>,
  dataset: string,
  topicId: string,
): WantsPoll {
  const reader = createWantsReader(ports, dataset, topicId);
  let wants: Wants | null = null;
  let failed: { error: unknown } | null = null;
  let asking = false;
  let stopped = false;
  let askedAt = -Infinity;
  return {
    now() {
      if (failed) throw failed.error;
      if (!asking && !stopped && performance.now() - askedAt >= POLL_MS) {
        asking = true;
        askedAt = performance.now();
        void reader
          .read()
          .then((read) => void (wants = read))
          .catch((error: unknown) => void (failed = { error }))
          .finally(() => void (asking = false));
      }
      return wants;
    },
    stop: () => void (stopped = true),
  };
}
