// Run by tests/jetstream/power_test.ts as a process of its own: makes a disk, tells where it is, and whether it is mounted, and waits to be killed.
import { tell } from "./kill.ts";
import { Disks } from "./power_disk.ts";

tell("opening");
const disks = await Disks.open();
if (typeof disks === "string") throw new Error(disks);
const { path } = await disks.make("held");
const [command, ...args] = disks.namespace.enter;
// Uses it, as a server does.
new Deno.Command(command!, { args: [...args, "sleep", "600"], cwd: "/" })
  .spawn();
await disks.namespace.run("touch", `${path}/file`);
tell(`${path} ${await disks.namespace.run("findmnt", "-no", "SOURCE", path)}`);
await new Promise(() => setInterval(() => {}, 60_000));
