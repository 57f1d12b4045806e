import { assert, assertEquals } from "@std/assert";
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
async function logged(example: Example): Promise<Row[]> {
  const { code, stdout, stderr } = await example.run(["./readings", "csv"], {
    which: 1,
  });
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
  const example = exampleIn(directory);
  await example.run(["./readings", "simulate", "200"]);
  const rows = await logged(example);
  assertEquals(rows.length, 200);
  for (const { seq, time, upMs } of rows) {
    assertEquals([upMs, Date.parse(time)], [
      seq * 100,
      Date.UTC(2030, 0, 1) + seq * 100,
    ]);
  }
});

Deno.test("examples/sensor_logger.ts moves old readings into files, none twice and none lost", async () => {
  await using directory = new TestDirectory();
  const example = exampleIn(directory);
  const runs = [["950", "100"], ["75", "100"], ["500", "100"]];
  for (const run of runs) {
    const { code } = await example.run(["./readings", "simulate", ...run]);
    assertEquals(code, 0);
  }
  const dir = directory.at("readings");
  const archived: Row[] = [];
  const entries = await Array.fromAsync(Deno.readDir(dir));
  const names = entries.map(({ name }) => name).sort();
  for (const name of names.filter((name) => name.endsWith(".csv"))) {
    archived.push(...rowsOf(await Deno.readTextFile(`${dir}/${name}`)));
  }
  const kept = await logged(example);
  assert(kept.length <= 200, `${kept.length} are left in the log`);
  const all = [...archived, ...kept];
  assertEquals(all.map(({ seq }) => seq), numbers(1, 1525));
  // A reading that was moved before the time was known has what it takes to find it.
  const known = all.find(({ boot, time }) =>
    boot === all[0]!.boot && time !== ""
  );
  assertEquals(all[0]!.time, "");
  assertEquals(
    Date.parse(known!.time) - known!.upMs + all[0]!.upMs,
    Date.UTC(2030, 0, 1) + 100,
  );
  assertEquals(names.filter((name) => name.endsWith(".tmp")), []);
});

Deno.test("examples/sensor_logger.ts makes a file again where it was killed before the log was shortened", async () => {
  await using directory = new TestDirectory();
  const example = exampleIn(directory);
  await example.run(["./readings", "simulate", "150", "1000"]);
  const name = `readings/readings_${"1".padStart(12, "0")}.csv`;
  await Deno.writeTextFile(directory.at(name), "half of i");
  await Deno.writeTextFile(directory.at(`${name}.tmp`), "half of it");
  await example.run(["./readings", "simulate", "50", "100"]);
  const rows = rowsOf(await Deno.readTextFile(directory.at(name)));
  assertEquals(rows.map(({ seq }) => seq), numbers(1, 100));
  assertEquals((await logged(example)).at(-1)!.seq, 200);
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
    const args of [[], ["./r", "log", "0"], ["./r", "lag"], ["./r", "csv", "1"]]
  ) {
    const { code, stdout } = await example.run(args);
    assertEquals(code, 2);
    assert(stdout.startsWith("usage: sensor_logger.ts DIR log"), stdout);
  }
  assertEquals(directory.names(), []);
});
