/** What a long activity needs of its host: a heartbeat, and to hear that it shall stop. Keeps Temporal out of the effects. */
export interface Pulse {
  /** Cheap to call often; the host throttles. */
  beat(details: unknown): void;
  /** Throws if the activity is cancelled or its worker drains. */
  throwIfCancelled(): void;
  signal: AbortSignal;
}
