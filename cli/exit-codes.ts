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

/** For a fault met in this process (one that a workflow failed of is `workflowFailed`). */
export function exitCodeOf(code: FaultCode): number {
  if (UNREACHABLE.has(code)) return EXIT.unreachable;
  if (code === 'VerifyFailed') return EXIT.differs;
  // What only a person can mend is configuration, or something that the configuration names.
  return FAULTS[code].retry ? EXIT.unexpected : EXIT.usage;
}
