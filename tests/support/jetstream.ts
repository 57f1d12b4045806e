import type { NatsConnection } from "@nats-io/nats-core";
import { jetStream, type JetStreamOptions } from "@mini/state/jetstream";
import { StateManager } from "@mini/state/state";

/** A state that counts. */
export interface Sum {
  readonly total: number;
  readonly count: number;
}

/** How it counts; no number is taken twice. */
export const SUM = {
  initial: (): Sum => ({ total: 0, count: 0 }),
  apply: (state: Sum, by: number): Sum => ({
    total: state.total + by,
    count: state.count + 1,
  }),
};

/** On a server alone; its leases end soon. */
export const ALONE: { replicas: 1; leaseMs: number; requestTimeoutMs: number } =
  { replicas: 1, leaseMs: 1_000, requestTimeoutMs: 1_000 };

/** Opens the state that counts, as its owner. */
export async function openSum(
  nc: NatsConnection,
  name: string,
  options: JetStreamOptions<Sum> = ALONE,
): Promise<StateManager<Sum, number>> {
  return await StateManager.open({
    ...await jetStream<Sum>(nc, name, options),
    ...SUM,
  });
}
