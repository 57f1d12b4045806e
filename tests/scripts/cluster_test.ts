/** `deno task cluster`, and the program that docs/CLUSTER.md runs on it. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { ROOT, runScript } from "../support/child.ts";
import { clusterBlock } from "../support/cluster_document.ts";
import { TestDirectory } from "../support/dir.ts";
import { natsServerFor } from "../support/nats_server.ts";
import { Program } from "../support/program.ts";
import { skipped } from "../support/system.ts";

const server = await natsServerFor("deno task cluster");

function cluster(args: readonly string[], natsServer: string): Program {
  const script = join(ROOT, "scripts/cluster/main.ts");
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--config", join(ROOT, "deno.json"), script, ...args],
    env: { NO_COLOR: "1", NATS_SERVER: natsServer },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  return new Program(child);
}

/** A server as the task prints it. */
interface Listed {
  readonly address: string;
  readonly pid: number;
}

async function listed(program: Program): Promise<Listed> {
  const line = await program.lineWith("pid");
  const [, address, pid] = /^n\d (127\.0\.0\.1:\d+) pid (\d+) http/.exec(line)!;
  return { address: address!, pid: Number(pid) };
}

async function started(dir: string, natsServer: string) {
  const program = cluster([dir, "0"], natsServer);
  const servers = [
    await listed(program),
    await listed(program),
    await listed(program),
  ];
  assertMatch(await program.line(), /^ready/);
  return { program, servers };
}

/** Runs the program of the document on these servers. */
async function count(servers: readonly Listed[]): Promise<string> {
  const text = await clusterBlock("ts ignore");
  const ports = servers.map(({ address }) => `"${address}"`).join();
  const program = text.replace(/(?<=servers: \[)[^\]]*/, ports);
  const { stdout, stderr } = await runScript(program, [], [
    "--allow-net=127.0.0.1",
  ]);
  assertEquals(stderr, "");
  return stdout;
}

if (server !== undefined && Deno.build.os === "windows") {
  skipped("deno task cluster", "Windows has no SIGTERM");
} else if (server !== undefined) {
  Deno.test("deno task cluster runs three servers that keep a state, also without one of them, and stops them", async () => {
    await using directory = new TestDirectory();
    const dir = directory.at("cluster");
    {
      const { program, servers } = await started(dir, server.path);
      await using _ = program;
      assertEquals(await count(servers), "2");
      Deno.kill(servers[0]!.pid, "SIGKILL");
      assertEquals(await program.line(), "n1 has ended");
      assertEquals(await count(servers), "4");
      const { code, stdout, stderr } = await program.stop();
      assertEquals([code, stderr], [0, ""]);
      assertMatch(stdout, /^the servers are stopped/);
      for (const { address } of servers) {
        const port = Number(address.split(":")[1]);
        await assertRejects(() =>
          Deno.connect({ hostname: "127.0.0.1", port })
        );
      }
    }
    const { program, servers } = await started(dir, server.path);
    await using _ = program;
    assertEquals(await count(servers), "6");
    assertEquals((await program.stop()).code, 0);
  });

  Deno.test("deno task cluster starts nothing at a port that another program has", async () => {
    await using directory = new TestDirectory();
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr;
    const dir = directory.at("cluster");
    await using program = cluster([dir, `${port}`], server.path);
    const { code, stdout, stderr } = await program.end();
    assertEquals([code, stdout], [1, ""]);
    assert(stderr.startsWith(`127.0.0.1:${port} cannot be listened on`));
    assertEquals(directory.names(), []);
  });
}

Deno.test("deno task cluster tells where to get a server if there is none", async () => {
  await using directory = new TestDirectory();
  const path = directory.at("nats-server");
  await using program = cluster([directory.at("cluster")], path);
  const { code, stderr } = await program.end();
  assertEquals(code, 1);
  assert(stderr.includes(path) && stderr.includes("nats.io/download"), stderr);
  assertEquals(directory.names(), []);
});

Deno.test("deno task cluster says how it is used", async () => {
  for (const args of [["a", "b"], ["a", "1", "c"]]) {
    await using program = cluster(args, "");
    const { code, stderr } = await program.end();
    assertEquals(code, 2);
    assertEquals(stderr, "usage: deno task cluster [DIR [PORT]]");
  }
});
