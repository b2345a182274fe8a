/**
 * The workflows as Temporal's sandbox loads them: one file, kept until a source changes. To bundle them anew is 1.5 s of CPU
 * at every start of a worker, 40 % of it.
 */
import type { DataConverter } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleOption } from '@temporalio/worker';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keptBuild } from './kept-build.mjs';

const WORKFLOWS = fileURLToPath(new URL('../workflows/index.ts', import.meta.url));
/** All that the import rules let workflows import; `workers` for the failure converter. */
const FOLDERS = ['workflows', 'contracts', 'workers'];
const FILE = 'workflows.js';

/**
 * @param converter what the worker gets, too: part of it lives in the sandbox
 * @throws Error a workflow does not compile, or imports what none may
 */
export async function workflowBundle({ failureConverterPath }: DataConverter = {}): Promise<WorkflowBundleOption> {
  const options = {
    workflowsPath: WORKFLOWS,
    logger: new DefaultLogger('ERROR'),
    ...(failureConverterPath === undefined ? {} : { failureConverterPath }),
  };
  let code: string | undefined;
  try {
    const name = failureConverterPath === undefined ? 'workflows' : 'workflows-converted';
    const folder = await keptBuild(name, FOLDERS, async (into) => {
      ({ code } = await bundleWorkflowCode(options));
      writeFileSync(join(into, FILE), code);
    });
    return { codePath: join(folder, FILE) };
  } catch {
    // Nothing can be written here: then it is bundled at every start. What does not compile throws again.
    return { code: code ?? (await bundleWorkflowCode(options)).code };
  }
}
