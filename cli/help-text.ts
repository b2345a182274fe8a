/** The help of `headrace` without a command, as wide as where no terminal says how wide it is. */
import { createProgram } from './program.ts';

export function helpText(): string {
  let text = '';
  createProgram()
    .configureOutput({ writeOut: (part) => void (text += part), getOutHelpWidth: () => 80 })
    .outputHelp();
  return text;
}
