/** The program of the demo, as `mini inspect --apply` takes it. */

interface Shop {
  stock: Record<string, number>;
  open: Record<string, { customer: string; item: string; by: number }>;
  sold: number;
  customers: Record<string, { orders: number; last?: string }>;
}

type Mutation =
  | { order: number; customer: string; item: string; by: number }
  | { ship: number }
  | { stock: string; by: number };

/** An empty shop. */
export function initial(): Shop {
  return { stock: {}, open: {}, sold: 0, customers: {} };
}

/** Sells, ships, and takes in. */
export function apply(shop: Shop, mutation: Mutation): void {
  if ("order" in mutation) {
    const { order, customer, item, by } = mutation;
    shop.stock[item] = (shop.stock[item] ?? 0) - by;
    shop.open[order] = { customer, item, by };
    const known = shop.customers[customer] ??= { orders: 0 };
    known.orders++;
    known.last = item;
  } else if ("ship" in mutation) {
    const order = shop.open[mutation.ship];
    if (order === undefined) throw new Error(`no order ${mutation.ship}`);
    delete shop.open[mutation.ship];
    shop.sold += order.by;
  } else {
    shop.stock[mutation.stock] = (shop.stock[mutation.stock] ?? 0) +
      mutation.by;
  }
}
