/** The workflow types that workers serve. */
export { runInterval } from './interval.ts';
export { generateEvents } from './generate.ts';
export { landDataset } from './land.ts';
export { loadWarehouse } from './load.ts';
export { replayTable } from './replay.ts';
export { runPipeline } from './run.ts';
export { verifyPipeline } from './verify.ts';
