/**
 * Loaded into a worker before all else (`--import`; plain JavaScript, since that is before tsx): its clock is moved by as many
 * milliseconds as the file named by HEADRACE_TEST_CLOCK says, looked at twice a second. Timers do not move, as with a
 * machine whose clock is set.
 */
import { existsSync, readFileSync } from 'node:fs';

const file = process.env.HEADRACE_TEST_CLOCK ?? '';
const RealDate = Date;
let moved = 0;
const look = () => {
  if (existsSync(file)) moved = Number(readFileSync(file, 'utf8')) || 0;
};
look();
setInterval(look, 500).unref();

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [RealDate.now() + moved] : args, newTarget),
  apply: () => new RealDate(RealDate.now() + moved).toString(),
  get: (target, name, receiver) =>
    name === 'now' ? () => RealDate.now() + moved : Reflect.get(target, name, receiver),
});
