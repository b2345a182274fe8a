/** Looks a connection up by the name that a pipeline gives it. */
import { fault } from '../../contracts/errors.ts';
import type { DatabaseSettings, Settings } from '../../contracts/settings.ts';
import { guess } from './guess.ts';
import { connectionVariable } from './variables.ts';

type Connections = Pick<Settings, 'connections'>;

/** A variable cannot tell `my-shop` from `my_shop`, so a name is also found under its other spelling. */
function find({ connections }: Connections, name: string): DatabaseSettings | undefined {
  const exact = Object.hasOwn(connections, name) ? connections[name] : undefined;
  if (exact !== undefined) return exact;
  const other = Object.keys(connections).find((key) => connectionVariable(key) === connectionVariable(name));
  return other === undefined ? undefined : connections[other];
}

/** @throws Fault ConnectionUnknown naming the connections there are, and the variable that would supply it */
export function connectionOf(settings: Connections, name: string): DatabaseSettings {
  const found = find(settings, name);
  if (found !== undefined) return found;
  throw fault('ConnectionUnknown', `connection ${name} ${unknownText(settings, name)}`);
}

export function hasConnection(settings: Connections, name: string): boolean {
  return find(settings, name) !== undefined;
}

/** What is wrong with a name that is not found, and the remedy. */
export function unknownText({ connections }: Connections, name: string): string {
  const known = Object.keys(connections);
  const meant = guess(name, known);
  const others = known.length === 0 ? 'none is configured' : `configured: ${known.join(', ')}`;
  return (
    `is not configured${meant === undefined ? '' : `; did you mean ${meant}?`} (${others}); ` +
    `set ${connectionVariable(name)}, or connections.${name} in headrace.yaml`
  );
}
