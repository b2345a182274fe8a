/**
 * One turn of a generating workflow: goes on behind what the place holds of this workflow's run, for a while, then returns. So
 * neither a killed worker nor a repeated turn leaves a gap or a double.
 */
import type { GenerateInput, GenerateReport, GenerateRequest } from '../contracts/generate.ts';
import { fault } from '../contracts/errors.ts';
import type { Pulse } from './pulse.ts';

export interface GeneratePorts {
  /** @param options `own`: what is there of this very run is gone on with, else it is begun */
  generate(
    request: GenerateRequest,
    options: { resume: 'own'; replace: boolean; signal: AbortSignal; onProgress: (progress: object) => void },
  ): Promise<GenerateReport>;
}

export interface GenerateTurn extends Pick<GenerateInput, 'request' | 'replace'> {
  /** Milliseconds. */
  turn: number;
}

const BEAT_MS = 2_000;

export function createGenerateActivities(ports: GeneratePorts, pulse: () => Pulse) {
  return {
    async generateSome({ request, replace, turn }: GenerateTurn): Promise<GenerateReport> {
      if (request.id === undefined) throw fault('Unexpected', 'a generating workflow must name its run');
      const host = pulse();
      const ended = AbortSignal.any([host.signal, AbortSignal.timeout(turn)]);
      let last: object = {};
      // Live, minutes may pass between two events.
      const beats = setInterval(() => host.beat(last), BEAT_MS);
      try {
        const options = { resume: 'own' as const, replace, signal: ended };
        const found = await ports.generate(request, { ...options, onProgress: (progress) => void (last = progress) });
        const { ended: how, counts, main, at, next } = found;
        return { ended: how, counts, main, at, ...(next === undefined ? {} : { next }) };
      } finally {
        clearInterval(beats);
      }
    },
  };
}

export type GenerateActivities = ReturnType<typeof createGenerateActivities>;
