// usage: deno task cluster [DIR [PORT]]
/**
 * Three NATS servers on this machine, with JetStream, to try `@mini/state/jetstream`
 * on. Their files are in DIR (build/cluster). They listen on 127.0.0.1 alone, at
 * PORT (4222) and the next two; PORT 0 takes ports that are free. Ctrl-C stops them.
 */
import { join, resolve } from "@std/path";
import {
  configurationOf,
  findNatsServer,
  freePlaces,
  LOOPBACK,
  type NatsServer,
  type Place,
  ready,
} from "./servers.ts";

const [dir = "build/cluster", port = "4222", ...others] = Deno.args;
if (!/^\d{1,5}$/.test(port) || others.length > 0) {
  fail("usage: deno task cluster [DIR [PORT]]", 2);
}
const found = await findNatsServer();
if ("why" in found) {
  fail(
    `${found.why}; get version 2.12 or later from https://nats.io/download, as the package nats-server of Homebrew, or, where apt-get is, with scripts/nats_server.sh`,
  );
}
const places = Number(port) === 0 ? freePlaces(3) : placesFrom(Number(port));
places.forEach(assertFree);
await run(found);

/** Runs the servers until they are to stop. */
async function run(server: NatsServer): Promise<void> {
  const processes: Deno.ChildProcess[] = [];
  const stop = new AbortController();
  const stopped = new Promise<"stop">((resolve) =>
    stop.signal.addEventListener("abort", () => resolve("stop"))
  );
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const each of signals) {
    Deno.addSignalListener(each, () => stop.abort());
  }
  say(`${server.path} ${server.version}`);
  for (const place of places) {
    const process = await start(server, place);
    processes.push(process);
    const { name, port, http } = place;
    say(
      `${name} ${LOOPBACK}:${port} pid ${process.pid} http://${LOOPBACK}:${http} ${
        fileOf(place, "conf")
      }`,
    );
  }
  const endings = processes.map(async (process, index) => {
    await process.status;
    return places[index]!;
  });
  const first = await Promise.race([ready(places), stopped, ...endings]);
  if (typeof first === "object") {
    await end(processes);
    fail(`${first.name} has ended: ${await lastWords(first)}`);
  }
  if (first !== "stop") {
    say("ready; Ctrl-C stops the servers");
    for (const ending of endings) {
      ending.then(({ name }) =>
        stop.signal.aborted || say(`${name} has ended`)
      );
    }
    await Promise.race([stopped, Promise.all(endings)]);
  }
  await end(processes);
  say(`the servers are stopped; ${dir} keeps their streams`);
  Deno.exit(0);
}

function placesFrom(port: number): Place[] {
  return [0, 1, 2].map((index) => ({
    name: `n${index + 1}`,
    host: LOOPBACK,
    routeHost: LOOPBACK,
    port: port + index,
    http: port + 4_000 + index,
    route: port + 2_000 + index,
  }));
}

/** Fails if another program listens there: it may be the servers of another run. */
function assertFree({ port, http, route }: Place): void {
  for (const each of [port, http, route]) {
    try {
      Deno.listen({ hostname: LOOPBACK, port: each }).close();
    } catch (error) {
      const why = error instanceof Error ? error.message : error;
      fail(
        `${LOOPBACK}:${each} cannot be listened on (${why}); "deno task cluster ${dir} 0" takes ports that are free`,
      );
    }
  }
}

/** The path of a file of a server. */
function fileOf({ name }: Place, extension: string): string {
  return join(dir, `${name}.${extension}`);
}

async function start(
  { path }: NatsServer,
  place: Place,
): Promise<Deno.ChildProcess> {
  await Deno.mkdir(dir, { recursive: true });
  const config = fileOf(place, "conf");
  const logFile = resolve(fileOf(place, "log"));
  const storeDir = resolve(dir, place.name);
  const text = configurationOf(place, places, { storeDir, logFile });
  await Deno.writeTextFile(config, text);
  await Deno.writeTextFile(logFile, "");
  return new Deno.Command(path, {
    args: ["--config", config],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

/** The last line of a server's log. */
async function lastWords(place: Place): Promise<string> {
  const lines = await Deno.readTextFile(fileOf(place, "log"));
  return lines.trimEnd().split("\n").at(-1) || `see ${fileOf(place, "conf")}`;
}

/** Stops the servers that still run, and waits for that. */
async function end(processes: readonly Deno.ChildProcess[]): Promise<void> {
  for (const process of processes) {
    try {
      process.kill("SIGTERM");
    } catch {
      // It has ended.
    }
  }
  await Promise.all(processes.map(({ status }) => status));
}

function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(line);
}

function fail(line: string, code = 1): never {
  // deno-lint-ignore no-console -- it is a command
  console.error(line);
  Deno.exit(code);
}
