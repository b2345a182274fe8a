/**
 * Settings for a command: headrace.yaml and the environment as workers/config reads them, and the local stack of
 * HEADRACE_HOME for the services that neither names. So after `headrace up` every command works without exports.
 */
import type { PipelineSpec } from '../contracts/pipeline.ts';
import type { ReplayDefaults } from '../contracts/replay.ts';
import type { Settings } from '../contracts/settings.ts';
import { stackFolders } from '../stack/environment.ts';
import { stackInfo } from '../stack/info.ts';
import { loadState } from '../stack/state.ts';
import { loadAll, loadSettings, loadTopics, type SettingsOptions, type TopicsSpec } from '../workers/config/index.ts';
import type { CommonOptions } from './common-options.ts';

/** Variables of the local stack; none where none was ever started. */
export function stackDefaults(): Record<string, string> {
  const { home } = stackFolders();
  const state = loadState(home);
  if (state === undefined) return {};
  // Services that the user named are the settings' business, not the stack's: hence none are given here.
  const { env, temporal } = stackInfo(home, state, { postgres: {} });
  return { ...env, HEADRACE_TEMPORAL_UI: temporal.ui };
}

/** @throws Fault ConfigInvalid */
export function settingsFor(options: CommonOptions, needs?: SettingsOptions['needs']): Settings {
  return loadSettings({
    path: options.settings,
    defaults: stackDefaults(),
    ...(needs === undefined ? {} : { needs }),
  });
}

/** @throws Fault ConfigInvalid with the faults of settings and pipeline together */
export function configurationFor(
  file: string,
  options: CommonOptions,
): { settings: Settings; spec: PipelineSpec; replay: ReplayDefaults } {
  return loadAll(file, { path: options.settings, defaults: stackDefaults(), table: options.table });
}

/** Null where the file is a pipeline's. @throws Fault ConfigInvalid */
export function topicsFor(file: string, options: CommonOptions): { settings: Settings; topics: TopicsSpec } | null {
  return loadTopics(file, { path: options.settings, defaults: stackDefaults() });
}
