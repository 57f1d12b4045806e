import { join } from "@std/path";
import { ROOT } from "./child.ts";
import { run, skipped } from "./system.ts";

/** The oldest version that has what is used of it, and keeps what it acknowledges. */
const OLDEST = [2, 12] as const;

/** A nats-server that is installed. */
export interface NatsServer {
  readonly path: string;
  readonly version: string;
}

/** Where a nats-server is that is new enough, or why there is none. */
export async function findNatsServer(): Promise<
  NatsServer | { readonly why: string }
> {
  const delimiter = Deno.build.os === "windows" ? ";" : ":";
  const folders = (Deno.env.get("PATH") ?? "").split(delimiter);
  const given = Deno.env.get("NATS_SERVER");
  const places = given ? [given] : [
    ...folders.map((folder) => join(folder, "nats-server")),
    join(ROOT, "build/nats/nats-server"),
    "/tmp/nats/root/usr/sbin/nats-server",
  ];
  const tooOld: string[] = [];
  for (const path of places) {
    const { success, stdout } = await run(path, "--version");
    const version = /v(\d+)\.(\d+)\.\S+/.exec(stdout);
    if (!success || version === null) continue;
    const [text, major, minor] = version;
    const isNew = Number(major) > OLDEST[0] ||
      Number(major) === OLDEST[0] && Number(minor) >= OLDEST[1];
    if (isNew) return { path, version: text };
    tooOld.push(`${path} is ${text}, and ${OLDEST.join(".")} is the oldest`);
  }
  return {
    why: tooOld[0] ??
      "there is no nats-server; scripts/nats_server.sh fetches one",
  };
}

/** The nats-server that is installed; without one, says why `what` is not tested here. */
export async function natsServerFor(
  what: string,
): Promise<NatsServer | undefined> {
  const found = await findNatsServer();
  if (!("why" in found)) return found;
  skipped(what, found.why);
  return undefined;
}
