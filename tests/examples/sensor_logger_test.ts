import { assert, assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { Example } from "../support/program.ts";

interface Row {
  readonly seq: number;
  readonly time: string;
  readonly boot: string;
  readonly upMs: number;
  readonly sensor: string;
  readonly value: number;
}

function exampleIn(directory: TestDirectory): Example {
  return new Example("sensor_logger.ts", directory.path);
}

function rowsOf(csv: string): Row[] {
  const [header, ...lines] = csv.trimEnd().split("\n");
  assertEquals(header, "seq,time,boot,up_ms,sensor,value");
  return lines.map((line) => {
    const [seq, time, boot, up, sensor, value] = line.split(",");
    const numbers = { seq: Number(seq), upMs: Number(up) };
    return {
      ...numbers,
      time: time!,
      boot: boot!,
      sensor: sensor!,
      value: Number(value),
    };
  });
}

/** The rows of the log, read with no permission but to read. */
async function logged(example: Example, ...since: string[]): Promise<Row[]> {
  const { code, stdout, stderr } = await example.run(
    ["./readings", "csv", ...since],
    { which: 1 },
  );
  assertEquals([code, stderr], [0, ""]);
  return rowsOf(stdout);
}

const readings = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => `door ${from + at}\n`).join("");

const values = (rows: readonly Row[]) => rows.map(({ value }) => value);

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);

Deno.test("examples/sensor_logger.ts has what was durable after it was killed and the end of its log torn", async () => {
  await using directory = new TestDirectory();
  const example = exampleIn(directory);
  {
    await using logger = example.start(["./readings", "log"]);
    assertEquals(await logger.line(), "0 readings (created)");
    await logger.write(readings(1, 3));
    await logger.lineWith("durable up to 3");
    // Beside the logger, which continues.
    assertEquals(values(await logged(example)), [1, 2, 3]);
    await logger.write(`${readings(4, 2)}door open\n${readings(6, 1)}`);
    assertEquals(await logger.lineWith("not a"), "not a reading: door open");
    await logger.lineWith("durable up to 6");
    await logger.kill();
  }
  const journal = directory.at("readings/readings.jsonl");
  const { size } = await Deno.stat(journal);
  await Deno.writeTextFile(journal, '{"crc":"00', { append: true });
  const input = readings(7, 2);
  const again = await example.run(["./readings", "log"], { input });
  assertEquals([again.code, again.stderr], [0, ""]);
  assert(/^6 readings \(torn\)\n.*up to 8$/s.test(again.stdout), again.stdout);
  assert((await Deno.stat(journal)).size > size);
  const rows = await logged(example);
  assertEquals(values(rows), numbers(1, 8));
  assertEquals(new Set(rows.map(({ boot }) => boot)).size, 2);
});

Deno.test("examples/sensor_logger.ts places what it read before it knew the time", async () => {
  await using directory = new TestDirectory();
  const path = directory.at("readings/readings.jsonl");
  const reading = { boot: "first", sensor: "door", value: 1 };
  {
    // As where the clock was not set.
    await using store = await MiniStore.open<unknown>(path);
    await store.append({ ...reading, boot: "lost", upMs: 5 });
    await store.append({ ...reading, upMs: 100 });
  }
  {
    await using store = await MiniStore.open<unknown>(path, {
      timestamps: true,
    });
    await store.append({ ...reading, upMs: 60_100 });
  }
  const [lost, before, known] = await logged(exampleIn(directory));
  assertEquals(lost!.time, "");
  assertEquals(Date.parse(known!.time) - Date.parse(before!.time), 60_000);
});

Deno.test("examples/sensor_logger.ts keeps the newest readings, and shows them since a time", async () => {
  await using directory = new TestDirectory();
  const example = exampleIn(directory);
  await example.run(["./readings", "log", "100"], { input: readings(1, 10) });
  const since = new Date().toISOString();
  for (const from of [11, 3_001]) {
    const input = readings(from, 2_990);
    const run = await example.run(["./readings", "log", "100"], { input });
    assertEquals([run.code, run.stderr], [0, ""]);
  }
  const rows = await logged(example);
  assertEquals(values(rows), numbers(rows[0]!.value, 5_990));
  assert(rows.length >= 100 && rows.length < 3_000, `${rows.length} are left`);
  assertEquals(await logged(example, since), rows);
  const last = rows.at(-1)!.time;
  const newest = await logged(example, last);
  assertEquals(newest, rows.filter(({ time }) => time === last));
});

Deno.test("examples/sensor_logger.ts takes a value that JSON does not have", async () => {
  await using directory = new TestDirectory();
  const example = exampleIn(directory);
  const input = "door -0.0\ndoor -1.5\n";
  const { code } = await example.run(["./readings", "log"], { input });
  assertEquals(code, 0);
  assertEquals(values(await logged(example)), [0, -1.5]);
});

Deno.test("examples/sensor_logger.ts says how it is used", async () => {
  await using directory = new TestDirectory();
  const example = exampleIn(directory);
  for (
    const args of [[], ["./r", "log", "0"], ["./r", "lag"], ["./r", "csv", "x"]]
  ) {
    const { code, stdout } = await example.run(args);
    assertEquals(code, 2);
    assert(stdout.startsWith("usage: sensor_logger.ts DIR log"), stdout);
  }
  assertEquals(directory.names(), []);
});
