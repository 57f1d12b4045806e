import {
  findNatsServer,
  type NatsServer,
} from "../../scripts/cluster/servers.ts";
import { skipped } from "./system.ts";

export type { NatsServer };

/** The nats-server that is installed, or why there is none. */
export async function natsServer(): Promise<
  NatsServer | { readonly why: string }
> {
  const found = await findNatsServer();
  return "why" in found
    ? { why: `${found.why}; scripts/nats_server.sh fetches one` }
    : found;
}

/** The nats-server that is installed; without one, says why `what` is not tested here. */
export async function natsServerFor(
  what: string,
): Promise<NatsServer | undefined> {
  const found = await natsServer();
  if (!("why" in found)) return found;
  skipped(what, found.why);
  return undefined;
}
