/** Runs before each file of the group `runs` (vitest.config.ts): the workers that it starts are alone in their namespace. */
import { makeNamespace } from './temporal-namespace.ts';

process.env.HEADRACE_TEMPORAL_NAMESPACE = await makeNamespace();
