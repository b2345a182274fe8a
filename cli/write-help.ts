/**
 * Writes cli/help.txt, the help of `headrace` without a command: headrace.mjs prints it without loading TypeScript, which takes
 * longer than all the rest. test/cli/usage.test.ts holds it to what the program itself would say. `npm run help`
 */
import { writeFileSync } from 'node:fs';
import { helpText } from './help-text.ts';

writeFileSync(new URL('help.txt', import.meta.url), helpText());
