/** The command line shows a stranger's folder, and nothing of it steers the terminal. */
import { assert, assertEquals } from "@std/assert";
import { MiniQueue } from "@mini/state/queue";
import { MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { mini } from "../support/mini.ts";

/** Clears the screen, sets the title, goes back over a line, turns the direction of text, and rings. */
const STEERING =
  "\u001b[2J\u001b]0;title\u0007\r\b\u009b2J\u0090q\u009c\u007f\u202egpj.\u2066\u2069";

// deno-lint-ignore no-control-regex -- what is looked for
const FOUND = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;

/** A folder of a queue, every text of which steers. */
async function fill(dir: string): Promise<void> {
  {
    await using queue = await MiniQueue.open<string, string>(dir, {
      inbox: true,
      keepFinished: { count: 9 },
      maxAttempts: 1,
      schedules: { [STEERING]: { everyMs: 60_000, payload: STEERING } },
      onError: () => {},
    });
    const options = {
      group: STEERING,
      dedupeKey: STEERING,
      headers: { [STEERING]: STEERING },
    };
    await queue.enqueue(STEERING, options);
    await (await queue.receive())!.ack(STEERING);
    await queue.enqueue(STEERING);
    await queue.work(() => {
      throw Object.assign(new Error(STEERING), { name: STEERING });
    }, { until: "empty" });
    await queue.enqueue(STEERING);
    await (await queue.receive())!.nack({ reason: STEERING });
    await queue.enqueue(STEERING);
    await queue.cancel(4, STEERING);
    await queue.enqueue(STEERING, options);
    await queue.compact();
    await queue.enqueue(STEERING, options);
  }
  const steering = STEERING.replaceAll("/", "");
  await Deno.writeTextFile(`${dir}/inbox/${steering}`, STEERING);
  await Deno.writeTextFile(`${dir}/journal.jsonl.${steering}`, STEERING);
  await Deno.writeTextFile(`${dir}/snapshot_${steering}.json.bad`, STEERING);
}

const COMMANDS = [
  ["verify"],
  ["stat"],
  ["snapshots"],
  ["consumer"],
  ["dump"],
  ["tail"],
  ["state"],
  ["queue", "stats"],
  ["queue", "peek"],
  ["queue", "dead"],
  ["queue", "finished"],
  ["queue", "schedules"],
];

if (Deno.build.os !== "windows") {
  for (const isDamaged of [false, true]) {
    Deno.test(`mini prints nothing that steers a terminal of ${isDamaged ? "a damaged" : "a whole"} folder, its name included`, async () => {
      await using directory = new TestDirectory();
      const dir = directory.at(STEERING);
      await Deno.mkdir(dir);
      await fill(dir);
      const path = `${dir}/journal.jsonl`;
      if (isDamaged) {
        const text = await Deno.readTextFile(path);
        await Deno.writeTextFile(path, text.replace('"seq"', '"sep"'));
      }
      let printed = 0;
      for (const command of COMMANDS) {
        for (const more of [[], ["--json"]]) {
          const { stdout, stderr } = await mini([...command, dir, ...more]);
          const text = stdout + stderr;
          printed += text.length;
          assertEquals(FOUND.exec(text), null, [...command, ...more].join(" "));
        }
      }
      for (const wrong of [[STEERING], ["dump", dir, `--${STEERING}`]]) {
        const { stderr } = await mini(wrong);
        assert(stderr !== "" && !FOUND.test(stderr), stderr);
      }
      assert(printed > 2_000, `only ${printed} characters`);
      const read = MiniStore.replay(path);
      if (!isDamaged) assert((await Array.fromAsync(read)).length > 0);
    });
  }
}
