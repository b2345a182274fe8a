/** A run's replay is a workflow of its own below it; that one is paused, resumed and tuned. */
export function replayWorkflowOf(workflowId: string): string {
  return workflowId.replace(/^run\//, 'replay/');
}
