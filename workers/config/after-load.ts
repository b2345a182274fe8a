/** What becomes of lake objects that the warehouse has loaded, in a pipeline file: `lake.afterLoad`. */
import { z } from 'zod';
import { type AfterLoad, type LoadMode, movedPrefix } from '../../contracts/pipeline.ts';
import { duration, scalar } from './values.ts';

/** Above it nobody means it. */
const LONGEST_MS = 3_650 * 86_400_000;

const moveTo = scalar('a path in the bucket such as Processed', (found) => {
  if (typeof found !== 'string') return undefined;
  const trimmed = found.replaceAll(/^\/+|\/+$/g, '');
  const fine = trimmed.split('/').every((part) => /^[A-Za-z0-9_][A-Za-z0-9 _.=-]*$/.test(part));
  return fine && trimmed.length <= 200 ? { ok: trimmed } : undefined;
});

/** `keep`, the default, is the same as nothing. */
export const afterLoad = z.preprocess(
  (found) => (found === 'keep' ? undefined : found),
  z
    .strictObject({ moveTo: moveTo.optional(), expireAfter: duration(1_000, LONGEST_MS).optional() })
    .check((found) => {
      const { moveTo: to, expireAfter } = found.value;
      if ((to === undefined) !== (expireAfter === undefined)) return;
      const message = 'takes one of moveTo (a path such as Processed) and expireAfter (such as 30d)';
      found.issues.push({ code: 'custom', input: found.value, message, params: { complete: true } });
    })
    .optional(),
);

type Found = z.infer<typeof afterLoad>;

export function afterLoadOf(found: Found): { afterLoad?: AfterLoad } {
  if (found?.moveTo !== undefined) return { afterLoad: { moveTo: found.moveTo } };
  return found?.expireAfter === undefined ? {} : { afterLoad: { expireAfterMs: found.expireAfter } };
}

/** @returns why it cannot be; null: it can */
export function expiryRefusal(mode: LoadMode, found: Found): string | null {
  if (found?.expireAfter === undefined || mode === 'upsert') return null;
  return `is for warehouse.mode upsert: with ${mode} the lake's rows are read again after they were loaded; keep or move them`;
}

/** Moved objects must not lie where landed ones are looked for. @returns why it cannot be; null: it can */
export function moveRefusal(prefix: string, found: Found): string | null {
  if (found?.moveTo === undefined) return null;
  const moved = movedPrefix({ prefix, afterLoad: { moveTo: found.moveTo } }) ?? '';
  if (!`${moved}/`.startsWith(`${prefix}/`)) return null;
  return `"${found.moveTo}" would move objects to ${moved}/, which lies under lake.prefix (${prefix}/): choose another path`;
}
