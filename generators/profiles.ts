/** The profiles by name. */
import { countrySales } from './country-sales/profile.ts';
import type { Group, Values } from './kinds.ts';
import type { Profile } from './model.ts';
import { orders } from './orders/profile.ts';
import { productSales } from './product-sales/profile.ts';
import { smoothies } from './smoothies/profile.ts';

/** What a profile's settings are is forgotten here: they have been checked against its own kinds before. */
type AnyProfile = Profile & { settings: Group };

function general<G extends Group>(profile: Profile<G>): AnyProfile {
  const own = (settings: Values<Group>) => settings as Values<G>;
  return {
    ...profile,
    outputs: (settings, form) => profile.outputs(own(settings), form),
    emit: (settings, run) => profile.emit(own(settings), run),
    shares: (settings, form) => profile.shares(own(settings), form),
  };
}

export const profiles: ReadonlyMap<string, AnyProfile> = new Map([
  [smoothies.name, general(smoothies)],
  [orders.name, general(orders)],
  [productSales.name, general(productSales)],
  [countrySales.name, general(countrySales)],
]);
export type { AnyProfile };
