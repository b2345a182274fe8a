/** The one line that the Temporal UI shows live on a workflow's page. */
import { setCurrentDetails } from '@temporalio/workflow';

export function say(text: string): void {
  setCurrentDetails(text);
}
