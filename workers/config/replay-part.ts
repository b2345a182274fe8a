/** What a pipeline file says of which rows its replays read, and how fast: the command line's options, as a file's keys. */
import { z } from 'zod';
import type { ReplayDefaults } from '../../contracts/replay.ts';
import { utcMs } from '../../contracts/scope-words.ts';
import { count, perSecond, size, speed, text, time } from './values.ts';

/** Of `source`. */
export const sourceKeys = {
  where: text("an expression in the source's SQL").optional(),
  from: time().optional(),
  to: time().optional(),
};

/** Of `replay`. */
export const replayKeys = z
  .strictObject({
    rate: perSecond(count(1, 1_000_000_000, ', such as 20000/s')).optional(),
    bytes: perSecond(size(1, 2 ** 50)).optional(),
    speed: speed().optional(),
    limit: count(1, 1_000_000_000_000).optional(),
  })
  .optional();

export interface ReplayPart {
  source: {
    eventTime?: string | undefined;
    where?: string | undefined;
    from?: string | undefined;
    to?: string | undefined;
  };
  replay?: z.infer<typeof replayKeys>;
}

type Tell = (path: string[], message: string) => void;

const telling = <T>(work: (value: T, tell: Tell) => void) =>
  z.check<T>(({ value, issues }) => {
    work(value, (path, message) =>
      issues.push({ code: 'custom', input: value, path, message, params: { complete: true } }),
    );
  });

/** What one key of `source` says of another. */
export const checkWindow = telling<ReplayPart['source']>(({ from, to, eventTime }, tell) => {
  for (const [name, time] of Object.entries({ from, to })) {
    if (time !== undefined && eventTime === undefined)
      tell([name], 'needs source.eventTime: the column that it is compared with');
  }
  if (from !== undefined && to !== undefined && utcMs(from) >= utcMs(to))
    tell(['to'], `is not behind source.from (${from}); the window holds no row`);
});

export const checkSpeed = telling<ReplayPart>(({ source, replay }, tell) => {
  if (replay?.speed !== undefined && source.eventTime === undefined)
    tell(['replay', 'speed'], 'needs source.eventTime: the column that paces it');
});

export function replayOf({ source, replay = {} }: ReplayPart): ReplayDefaults {
  const { where, from, to } = source;
  const { rate, bytes, speed: factor, limit } = replay;
  return {
    ...(where === undefined ? {} : { where }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(limit === undefined ? {} : { limit }),
    ...(rate === undefined ? {} : { rate }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(factor === undefined ? {} : { speed: factor }),
  };
}
