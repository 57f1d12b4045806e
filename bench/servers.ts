/** The servers that some peers need: each is started for one task, and ends with it. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { access, chown, cp, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";

/** A server that runs. */
export interface Server {
  /** Microseconds of CPU time that it and its processes have had. */
  cpuUs(): number;
  stop(): Promise<void>;
}

/** Starts a Redis that syncs before it answers, and listens on a socket. */
export async function startRedis(
  dir: string,
): Promise<Server & { socket: string }> {
  const socket = join(dir, "redis.sock");
  const options = ["--port", "0", "--unixsocket", socket, "--dir", dir];
  const durably = ["--appendonly", "yes", "--appendfsync", "always"];
  const redis = spawn("redis-server", [...options, ...durably, "--save", ""]);
  await says(redis, redis.stdout, /ready to accept connections/i);
  return { ...running(redis), socket };
}

/** Starts a PostgreSQL with the settings that it has from the start; it listens in `dir`. */
export async function startPostgres(
  dir: string,
): Promise<Server & { host: string }> {
  const user = await serverUser();
  const template = await postgresTemplate(user);
  const data = join(dir, "data");
  await cp(template, data, { recursive: true, preserveTimestamps: true });
  await own(user, dir);
  const settings = ["listen_addresses=", `unix_socket_directories=${dir}`];
  const flags = settings.flatMap((setting) => ["-c", setting]);
  const server = spawn("postgres", ["-D", data, ...flags], user);
  await says(server, server.stderr, /ready to accept connections/);
  return { ...running(server), host: dir };
}

interface User {
  readonly uid?: number;
  readonly gid?: number;
}

const run = promisify(execFile);

/** PostgreSQL refuses to be root. */
async function serverUser(): Promise<User> {
  if (process.getuid!() !== 0) return {};
  const id = async (flag: string) => {
    const { stdout } = await run("id", [flag, "postgres"])
      .catch(() => run("id", [flag, "nobody"]));
    return Number(stdout);
  };
  return { uid: await id("-u"), gid: await id("-g") };
}

/** Making a database takes seconds: each task has a copy of one. */
async function postgresTemplate(user: User): Promise<string> {
  const place = process.env.MINI_STATE_BENCH_POSTGRES!;
  const isThere = await access(place).then(() => true, () => false);
  if (isThere) return place;
  const made = `${place}-${process.pid}`;
  await mkdir(made, { recursive: true });
  await own(user, made);
  const flags = ["--no-sync", "--auth=trust", "--username=bench"];
  await run("initdb", ["-D", join(made, "data"), ...flags], user);
  await rename(join(made, "data"), place);
  await rm(made, { recursive: true });
  return place;
}

async function own({ uid, gid }: User, dir: string): Promise<void> {
  if (uid === undefined) return;
  await chown(dir, uid, gid!);
  await run("chown", ["-R", `${uid}:${gid}`, dir]);
}

/** Resolves when it has said that; rejects when it has ended before. */
async function says(
  server: ChildProcess,
  output: NodeJS.ReadableStream | null,
  pattern: RegExp,
): Promise<void> {
  let said = "";
  const isReady = new Promise<void>((resolve) => {
    output!.on("data", (chunk) => {
      said += chunk;
      if (pattern.test(said)) resolve();
    });
  });
  const ended = once(server, "exit").then(() => {
    throw new Error(`Error: ${server.spawnfile} ended: ${said.trim()}`);
  });
  await Promise.race([isReady, ended]);
}

function running(server: ChildProcess): Server {
  process.on("exit", () => server.kill("SIGKILL"));
  return {
    cpuUs: () => cpuUsOf(server.pid!),
    async stop() {
      const ended = once(server, "exit");
      server.kill("SIGKILL");
      await ended;
    },
  };
}

/** A tick of the clock that processes are measured by, the same on every Linux. */
const TICK_US = 10_000;

/** The CPU time of a process, of its children, and of those that have ended; 0 where `/proc` is not. */
function cpuUsOf(pid: number): number {
  let ticks = 0;
  try {
    for (const name of readdirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const fields = statOf(name);
      if (fields === undefined) continue;
      const [, parent] = fields;
      if (Number(name) !== pid && Number(parent) !== pid) continue;
      const times = fields.slice(11, Number(name) === pid ? 15 : 13);
      for (const time of times) ticks += Number(time);
    }
  } catch {
    return 0;
  }
  return ticks * TICK_US;
}

/** The fields after the name of the program. */
function statOf(pid: string): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined; // It has ended.
  }
}
