import type { Tries } from "./clock.ts";
import { failureOf } from "./errors.ts";
import type { NatsClient } from "./stream.ts";

/**
 * The version of the server that a connection has, which has none while it looks
 * for another server. `undefined` if it was closed: whatever is done next says so.
 */
export async function serverVersion(
  nc: Pick<NatsClient, "info" | "isClosed">,
  tries: Tries,
): Promise<string | undefined> {
  for (;;) {
    if (nc.isClosed()) return undefined;
    if (nc.info !== undefined) return nc.info.version;
    if (await tries.again()) continue;
    throw failureOf(
      "use NATS",
      new Error("the connection has no server"),
      "nothing was sent",
    );
  }
}
