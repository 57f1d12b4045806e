/** A state and a queue in JetStream, by the same program on every runtime. */
import { equal } from "node:assert/strict";
import { join } from "@std/path";
import { NatsCluster } from "../../tests/support/nats_cluster.ts";
import { natsServer } from "../../tests/support/nats_server.ts";
import type { Project } from "./package.ts";
import { ROOT, type RunOptions, succeed } from "./process.ts";
import type { Program } from "./runtime.ts";
import { suite } from "./suite.ts";

const PROGRAM = join(ROOT, "tests/runtimes/jetstream.mjs");

/** Registers it for a Deno with the sources, which may use the network, the server's address alone, and nothing else. */
export function jetStreamFromSources({ name, path }: Program): void {
  const flags = ["--no-prompt", "--config", join(ROOT, "deno.json")];
  onServer(`${name} sandbox`, (server) => {
    const command = [path, "run", ...flags, `--allow-net=${server}`, PROGRAM];
    return Promise.resolve({ command });
  });
}

/** Registers it for a runtime that has the package installed. */
export function jetStreamInProject(
  name: string,
  program: readonly string[],
  { dir }: Project,
): void {
  onServer(name, async () => {
    const file = join(dir, "jetstream.mjs");
    await Deno.copyFile(PROGRAM, file);
    return { command: [...program, file], cwd: dir };
  });
}

function onServer(
  name: string,
  runs: (
    server: string,
  ) => Promise<RunOptions & { readonly command: readonly string[] }>,
): void {
  suite(name, "jetstream", async ({ note, skip }) => {
    const server = await natsServer();
    if ("why" in server) return skip(server.why);
    await using cluster = await NatsCluster.start(server, { nodes: 1 });
    const [address] = cluster.servers;
    const { command, ...options } = await runs(address!);
    const { stdout } = await succeed([...command, address!, "shop"], options);
    equal(stdout, "ok");
    note(`nats-server ${server.version}`);
  });
}
