// Run by tests/system/ as a process of its own, on a system that fails: tells what becomes of each append.
import { type MiniError, MiniStore } from "@mini/state/store";
import { tell } from "./kill.ts";

const [path = "", count = "10", length = "20", fileSize] = Deno.args;

try {
  const store = await MiniStore.open<string>(path);
  if (fileSize !== undefined) await limitFileSize(fileSize);
  tell("open");
  for (let index = 0; index < Number(count); index++) {
    const data = `${index} ${"x".repeat(Number(length))}`;
    try {
      if (index % 2 === 0) await store.append(data);
      else store.appendSync(data);
      tell(`ok ${data}`);
    } catch (error) {
      tell(`${(error as MiniError).code} ${data}`);
      // What was refused must not stand in the way of what comes.
      if ((error as MiniError).code === "NO_SPACE") {
        await store.rotate().then(() => tell("rotated"), () => {});
      }
    }
  }
  await store.close();
  tell("closed");
} catch (error) {
  tell(`failed ${(error as MiniError).code}`);
}

/** Not from the start: the runtime has larger files of its own. */
async function limitFileSize(bytes: string): Promise<void> {
  const args = ["--pid", String(Deno.pid), `--fsize=${bytes}`];
  await new Deno.Command("prlimit", { args }).output();
}
