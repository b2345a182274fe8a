/** Sales data that behaves like a shop's. */
import type { Command } from 'commander';
import { type GenerateOptions, withGenerate } from '../generate-options.ts';
import { add } from './define.ts';

export function addGenerateCommand(program: Command): void {
  withGenerate(
    add(
      program,
      'generate <profile>',
      "sales data that behaves like a shop's: smoothies, orders, product-sales or country-sales",
    ),
  ).action(async (profile: string, options: GenerateOptions) =>
    (await import('../commands/generate.ts')).runGenerate(profile, options),
  );
}
