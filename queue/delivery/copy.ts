/** A copy for the consumer, who may change it: the ledger must not change. */
export function copyOf<T>(payload: T): T {
  return typeof payload === "object"
    ? JSON.parse(JSON.stringify(payload))
    : payload;
}
