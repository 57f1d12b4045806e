import {
  findNatsServer,
  type NatsServer,
} from "../../scripts/cluster/servers.ts";
import { skipped } from "./system.ts";

export type { NatsServer };

/** The nats-server that is installed; without one, says why `what` is not tested here. */
export async function natsServerFor(
  what: string,
): Promise<NatsServer | undefined> {
  const found = await findNatsServer(["/tmp/nats/root/usr/sbin/nats-server"]);
  if (!("why" in found)) return found;
  skipped(what, `${found.why}; scripts/nats_server.sh fetches one`);
  return undefined;
}
