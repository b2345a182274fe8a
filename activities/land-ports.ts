/** What the landing hop needs of the world, and what its workflow and its activities say to each other. */
import type { LandingSpec } from '../contracts/pipeline.ts';
import type { FaultCode } from '../contracts/errors.ts';
import type { LandInput } from '../contracts/temporal.ts';
import type { LakeFiles } from './ports/lake-files.ts';
import type { Manifest } from './ports/manifest.ts';
import type { ObjectStore } from './ports/object-store.ts';
import type { OpenReader, TopicAdmin } from './ports/topic.ts';

/** Where a cut has got to. */
export type LandStep = 'encoded' | 'intended' | 'put' | 'sealed';

export interface LandWorker {
  /** Budget of the process's landing buffers, bytes. */
  landMemoryBytes: number;
  /** Folder for temporary files. Absent: the system's. */
  scratch?: string;
  /** For people: who holds a claim. */
  name: string;
}

export interface LandPorts {
  manifest: Manifest;
  openReader: OpenReader;
  topicAdmin: TopicAdmin;
  store: ObjectStore;
  lakeFiles: LakeFiles;
  isWorkflowOpen: (workflowId: string) => Promise<boolean>;
  worker: LandWorker;
  /** Told after each step of each cut; the step is taken as done when it resolves. */
  onStep?: (step: LandStep, cut: { partition: number; start: number; end: number }) => Promise<void>;
}

/** The land workflow as those see it who wait for the manifest. */
export type LandStatus =
  | { kind: 'open' }
  /** Completed, terminated, or never started. */
  | { kind: 'closed' }
  | { kind: 'failed'; code: FaultCode; message: string };

/** What a poke says beyond the landing's settings. */
export interface PokeOptions {
  acceptLoss: boolean;
  /** So many partitions the topic has, at least, as far as the requester knows. */
  partitions?: number;
}

export interface LandRequestPorts {
  manifest: Manifest;
  topicAdmin: TopicAdmin;
  /** Starts the dataset's land workflow if need be and wakes it up (update-with-start of `ensureLanding`). */
  pokeLand: (input: LandInput, options: PokeOptions) => Promise<void>;
  landStatus: (dataset: string) => Promise<LandStatus>;
}

/** What a dataset's land workflow begins with. */
export interface LandingFacts {
  topicId: string;
  partitions: number;
  /** The highest generation claimed so far. */
  generation: number;
}

/** One land activity's work. */
export interface LandShare {
  spec: LandingSpec;
  topicId: string;
  partitions: readonly number[];
  generation: number;
  /** Go on behind records that expired before they were landed. */
  acceptLoss: boolean;
  /** When the open cut of a partition began to wait, ms: an activity that returns drops its buffers, but not their age. */
  openSince: Readonly<Record<number, number>>;
}

export interface LandShareReport {
  /** `idle`: nobody wants more of these partitions. `returned`: time for the workflow to look. `drained`: told to stop. */
  reason: 'idle' | 'returned' | 'drained';
  rows: number;
  cuts: number;
  objects: number;
  /** Dead letters stored. */
  letters: number;
  openSince: Record<number, number>;
}
