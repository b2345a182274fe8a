/** The manifest in the control database: the parts of activities/ports/manifest.ts put together over one pool. */
import type pg from 'pg';
import type { Manifest } from '../../activities/ports/manifest.ts';
import { manifestCuts } from './manifest-cuts.ts';
import { manifestLosses } from './manifest-losses.ts';
import { manifestOrigins } from './manifest-origins.ts';
import { manifestRequests } from './manifest-requests.ts';

/** @param pool of the control database */
export function openManifest(pool: pg.Pool): Manifest {
  return { ...manifestCuts(pool), ...manifestLosses(pool), ...manifestRequests(pool), ...manifestOrigins(pool) };
}
