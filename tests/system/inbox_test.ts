// Posting between users: what the documents tell an operator to set up, and what a stranger may do.
import { assertEquals, assertStringIncludes } from "@std/assert";
import process from "node:process";
import { MiniQueue } from "@mini/state/queue";
import type { MiniError } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { posted } from "../support/inbox.ts";
import { errorOf } from "../support/journal.ts";
import { drain } from "../support/queue.ts";
import { skipped } from "../support/system.ts";

// No user or group of this system has such a number.
const SERVICE = 54_321;
const STRANGER = 54_322;
const GROUP = 54_400;

/** Runs a task as a user, of one group. */
async function as<T>(
  uid: number,
  gid: number,
  task: () => Promise<T>,
): Promise<T> {
  process.setegid!(gid);
  process.seteuid!(uid);
  try {
    return await task();
  } finally {
    process.seteuid!(0);
    process.setegid!(0);
  }
}

/** The service that owns a queue. */
class Service {
  readonly told: MiniError[] = [];
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  /** Opens its queue, and receives and acknowledges all there is. */
  receive(gid: number = GROUP): Promise<string[]> {
    return as(SERVICE, gid, async () => {
      await using queue = await MiniQueue.open<string>(this.dir, {
        inbox: true,
        onError: (error) => this.told.push(error as MiniError),
      });
      return [...await drain(queue), ...await drain(queue)];
    });
  }
}

/** A queue of a service in a directory of its own. */
async function serviceIn(directory: TestDirectory): Promise<Service> {
  await Deno.chmod(directory.path, 0o755);
  const service = new Service(directory.at("jobs"));
  await Deno.mkdir(service.dir, { mode: 0o700 });
  await Deno.chown(service.dir, SERVICE, SERVICE);
  assertEquals(await service.receive(SERVICE), []);
  return service;
}

function obstacle(): string | undefined {
  if (Deno.build.os !== "linux") return "it takes Linux";
  return Deno.uid() === 0 ? undefined : "it takes root";
}

const why = obstacle();
if (why !== undefined) skipped("an inbox for other users", why);
else {
  Deno.test("a group posts to the queue of a service, as the documents set it up, and can do nothing else", async () => {
    await using directory = new TestDirectory();
    const service = await serviceIn(directory);
    const { dir } = service;
    const inbox = `${dir}/inbox`;
    const post = () => MiniQueue.post(dir, "a");
    const denied = await as(STRANGER, GROUP, () => errorOf(post()));
    assertEquals(denied.code, "PERMISSION");
    for (const path of [dir, inbox]) await Deno.chown(path, SERVICE, GROUP);
    await Deno.chmod(dir, 0o710);
    await Deno.chmod(inbox, 0o3770);
    const umask = Deno.umask(0o077);
    try {
      await as(STRANGER, GROUP, post);
    } finally {
      Deno.umask(umask);
    }
    const closed = await as(
      STRANGER,
      GROUP,
      () => errorOf(MiniQueue.open(dir)),
    );
    assertEquals(closed.code, "PERMISSION");
    assertEquals(await service.receive(), ["a"]);
    assertEquals(service.told, []);
    const left = await Array.fromAsync(Deno.readDir(inbox));
    assertEquals(left.map(({ name }) => name), ["refused"]);
  });

  Deno.test("a file that a stranger lets nobody read is told once, and left", async () => {
    await using directory = new TestDirectory();
    const service = await serviceIn(directory);
    const inbox = `${service.dir}/inbox`;
    await Deno.chmod(service.dir, 0o711);
    await Deno.chmod(inbox, 0o1777);
    const file = `${inbox}/${posted(1)}`;
    await as(STRANGER, STRANGER, async () => {
      await Deno.writeTextFile(file, "secret", { mode: 0o600 });
      await MiniQueue.post(service.dir, "a");
    });
    assertEquals(await service.receive(), ["a"]);
    assertEquals(service.told.map(({ code }) => code), ["PERMISSION"]);
    assertEquals(await Deno.readTextFile(file), "secret");
  });

  Deno.test("a message whose file the service may not remove is enqueued once", async () => {
    await using directory = new TestDirectory();
    const service = await serviceIn(directory);
    const inbox = `${service.dir}/inbox`;
    await Deno.chmod(service.dir, 0o711);
    await Deno.chown(inbox, 0, 0);
    await Deno.chmod(inbox, 0o1777);
    await as(STRANGER, STRANGER, () => MiniQueue.post(service.dir, "a"));
    assertEquals(await service.receive(), ["a"]);
    assertEquals(await service.receive(), []);
    assertEquals(service.told.map(({ code }) => code), [
      "PERMISSION",
      "PERMISSION",
    ]);
    assertStringIncludes(service.told[0]!.message, "once");
    await Deno.chown(inbox, SERVICE, SERVICE);
    assertEquals(await service.receive(), []);
    assertEquals(service.told.length, 2);
    const left = await Array.fromAsync(Deno.readDir(inbox));
    assertEquals(left.map(({ name }) => name), ["refused"]);
  });
}
