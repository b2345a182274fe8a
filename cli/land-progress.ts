/** Progress of a dataset's landing: rows so far, files, and how far the topic is ahead. */
import { countText } from '../contracts/count-words.ts';
import type { PipelineSpec } from '../contracts/pipeline.ts';
import type { Settings } from '../contracts/settings.ts';
import type { ProgressSource } from './launch.ts';

export async function landProgress(settings: Settings, spec: PipelineSpec): Promise<ProgressSource> {
  const { openInspector } = await import('../workers/inspect.ts');
  const inspector = await openInspector(settings);
  return {
    async look() {
      const [found] = await inspector.readStatus(spec.name);
      if (found === undefined) return null;
      const { rows, cuts, objects } = found.lake;
      const lag = found.landLag === null ? '' : `; the topic is ${countText(found.landLag, 'offset')} ahead`;
      return {
        expected: null,
        hops: [{ name: 'landed', rows }],
        text: `${countText(cuts, 'cut')}, ${countText(objects, 'file')}${lag}`,
      };
    },
    close: () => inspector.close(),
  };
}
