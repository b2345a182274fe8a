/** The exit codes (docs/cli.md): what a script can tell apart without reading messages. */
import { FAULTS, type FaultCode } from '../contracts/errors.ts';

export const EXIT = {
  ok: 0,
  unexpected: 1,
  /** Wrong usage, configuration, or something that the configuration names and that does not fit. */
  usage: 2,
  /** Verify found a difference. */
  differs: 3,
  /** A service or a worker cannot be reached. */
  unreachable: 4,
  /** Of something else than a mistake of the user's. */
  workflowFailed: 5,
  interrupted: 130,
} as const;

const UNREACHABLE: ReadonlySet<FaultCode> = new Set<FaultCode>([
  'SourceUnavailable',
  'KafkaUnavailable',
  'StoreUnavailable',
  'ControlUnavailable',
  'WarehouseUnavailable',
  'TemporalUnavailable',
  'NoWorker',
]);

/** What is wrong with what a person said, or with what that names; of these no work was begun that something is left of. */
const MISTAKES: ReadonlySet<string> = new Set<FaultCode>([
  ...(['ConfigInvalid', 'ConnectionUnknown', 'AccessDenied', 'TableMissing', 'TableUnsuited', 'TableOwned'] as const),
  ...(['TopicUnsuited', 'StoreUnsuited', 'SettingsMismatch', 'ReplayUnknown'] as const),
]);

/** For what a workflow failed of: a mistake has one code, whether the command finds it or the workflow does. */
export function exitCodeOfWorkflow(type: string): number {
  return MISTAKES.has(type) ? EXIT.usage : EXIT.workflowFailed;
}

/** For a fault met in this process. */
export function exitCodeOf(code: FaultCode): number {
  if (UNREACHABLE.has(code)) return EXIT.unreachable;
  if (code === 'VerifyFailed') return EXIT.differs;
  // What only a person can mend is configuration, or something that the configuration names.
  return FAULTS[code].retry ? EXIT.unexpected : EXIT.usage;
}
