// Posting between users: what the documents tell an operator to set up, and what a stranger may do.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { TestDirectory } from "../support/dir.ts";
import { posted } from "../support/inbox.ts";
import { skipped } from "../support/system.ts";
import { type Outcome, Users } from "../support/users.ts";

// No user or group of this system has such a number.
const SERVICE = 54_321;
const STRANGER = 54_322;
const GROUP = 54_400;

/** A service that owns a queue. */
class Service {
  readonly dir: string;
  readonly #users: Users;
  readonly told: Outcome["told"][number][] = [];

  constructor(dir: string, users: Users) {
    this.dir = dir;
    this.#users = users;
  }

  /** Opens its queue, and receives and acknowledges all there is. */
  async receive(gid: number = GROUP): Promise<readonly string[]> {
    const order = { uid: SERVICE, gid, act: "receive", dir: this.dir } as const;
    const { messages, told, refusal } = await this.#users.act(order);
    assertEquals(refusal, undefined);
    this.told.push(...told);
    return messages;
  }
}

/** A queue of a service in a directory of its own. */
async function serviceIn(
  directory: TestDirectory,
  users: Users,
): Promise<Service> {
  await Deno.chmod(directory.path, 0o755);
  const service = new Service(directory.at("jobs"), users);
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
    await using users = new Users();
    const service = await serviceIn(directory, users);
    const { dir } = service;
    const inbox = `${dir}/inbox`;
    const stranger = { uid: STRANGER, gid: GROUP, dir };
    const denied = await users.act({ ...stranger, act: "post" });
    assertEquals(denied.refusal, "PERMISSION");
    for (const path of [dir, inbox]) await Deno.chown(path, SERVICE, GROUP);
    await Deno.chmod(dir, 0o710);
    await Deno.chmod(inbox, 0o3770);
    const post = { ...stranger, umask: 0o077, act: "post" } as const;
    assertEquals((await users.act(post)).refusal, undefined);
    const closed = await users.act({ ...stranger, act: "open" });
    assertEquals(closed.refusal, "PERMISSION");
    assertEquals(await service.receive(), ["a"]);
    assertEquals(service.told, []);
    const left = await Array.fromAsync(Deno.readDir(inbox));
    assertEquals(left.map(({ name }) => name), ["refused"]);
  });

  Deno.test("a file that a stranger lets nobody read is told once, and left", async () => {
    await using directory = new TestDirectory();
    await using users = new Users();
    const service = await serviceIn(directory, users);
    const inbox = `${service.dir}/inbox`;
    await Deno.chmod(service.dir, 0o711);
    await Deno.chmod(inbox, 0o1777);
    const file = `${inbox}/${posted(1)}`;
    const stranger = { uid: STRANGER, gid: STRANGER, dir: service.dir };
    for (const act of ["write", "post"] as const) {
      const { refusal } = await users.act({ ...stranger, act, file });
      assertEquals(refusal, undefined);
    }
    assertEquals(await service.receive(), ["a"]);
    assertEquals(service.told.map(({ code }) => code), ["PERMISSION"]);
    assertEquals(await Deno.readTextFile(file), "secret");
  });

  Deno.test("a message whose file the service may not remove is enqueued once", async () => {
    await using directory = new TestDirectory();
    await using users = new Users();
    const service = await serviceIn(directory, users);
    const inbox = `${service.dir}/inbox`;
    await Deno.chmod(service.dir, 0o711);
    await Deno.chown(inbox, 0, 0);
    await Deno.chmod(inbox, 0o1777);
    const stranger = { uid: STRANGER, gid: STRANGER, dir: service.dir };
    const { refusal } = await users.act({ ...stranger, act: "post" });
    assertEquals(refusal, undefined);
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
