/** The gate of one slot's links: watches for a step, and holds the exchange on the wanted side until it is let go. */
import type { Exchange, Gate, Side, Verdict } from './exchanges.ts';
import { isStep, type Step } from './steps.ts';

export interface Caught {
  exchange: Exchange;
  /** Whatever the verdict: at most once, later ones change nothing. */
  release: (verdict: Verdict) => void;
}

export interface Trap {
  gate: Gate;
  /** One step at a time. @param nth which time it is caught @returns what is caught, once it is; see `disarm` */
  arm(step: Step, side: Side, nth: number): Promise<Caught>;
  /** Counts answers of the step that pass from now on. */
  watch(step: Step): { passed: () => number };
  /** Nothing is caught any more; what is held passes. */
  disarm(): void;
}

export function newTrap(onExchange?: (exchange: Exchange, side: Side) => void): Trap {
  let armed: { step: Step; side: Side; left: number; spring: (caught: Caught) => void } | null = null;
  let watched: { step: Step; passed: number } | null = null;
  const held = new Set<() => void>();
  return {
    gate: {
      wants: (exchange) => armed?.side === 'answer' && isStep(armed.step, exchange),
      ask(exchange, side): Verdict | Promise<Verdict> {
        onExchange?.(exchange, side);
        if (watched && side === 'answer' && isStep(watched.step, exchange)) watched.passed += 1;
        if (armed?.side !== side || !isStep(armed.step, exchange)) return 'pass';
        armed.left -= 1;
        if (armed.left > 0) return 'pass';
        const { spring } = armed;
        armed = null;
        return new Promise((resolve) => {
          const letGo = (): void => resolve('pass');
          held.add(letGo);
          spring({
            exchange,
            release(verdict) {
              held.delete(letGo);
              resolve(verdict);
            },
          });
        });
      },
    },
    arm: (step, side, nth) =>
      new Promise((spring) => {
        armed = { step, side, left: nth, spring };
      }),
    watch(step) {
      const mine = { step, passed: 0 };
      watched = mine;
      return { passed: () => mine.passed };
    },
    disarm() {
      armed = null;
      watched = null;
      for (const letGo of held) letGo();
      held.clear();
    },
  };
}
