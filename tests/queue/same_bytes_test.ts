// A queue that uses only what older programs know writes as they do.
import { MiniQueue } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { assertEquals } from "@std/assert";
import { FakeClock } from "../support/fake_clock.ts";

/** The records of the log of an older program, without their checksums: these depend on the name of the journal, which is random. */
const RECORDS = `
"seq":1,"data":{"apply":{"at":1767225600000,"enqueue":[{"id":1,"payload":"plain"},{"id":2,"payload":"later","due":1767225601000},{"id":3,"payload":"first","priority":2},{"id":4,"payload":"g1","group":"g"},{"id":5,"payload":"g2","group":"g","dedupe":{"key":"k","until":1767225660000}}]}}}
"seq":2,"data":{"apply":{"at":1767225600000,"enqueue":[{"id":6,"payload":"again","dedupe":{"key":"k","until":1767225660000}}]}}}
"seq":3,"data":{"apply":{"at":1767225600000,"receive":[3]}}}
"seq":4,"durable":2,"applied":3,"data":{"apply":{"at":1767225600000,"settle":[{"id":3,"receipt":1,"as":"acked"}]}}}
"seq":5,"data":{"apply":{"at":1767225600250,"receive":[1]}}}
"seq":6,"durable":4,"applied":5,"data":{"apply":{"at":1767225600250,"settle":[{"id":1,"receipt":1,"as":"retried","due":1767225600750,"reason":"busy"}]}}}
"seq":7,"data":{"apply":{"at":1767225600250,"receive":[4]}}}
"seq":8,"durable":6,"applied":7,"data":{"apply":{"at":1767225600250,"settle":[{"id":4,"receipt":1,"as":"dead","reason":"no"}]}}}
"seq":9,"data":{"apply":{"at":1767225600250,"receive":[5]}}}
"seq":10,"durable":8,"applied":9,"data":{"apply":{"at":1767225600250,"settle":[{"id":5,"receipt":1,"as":"retried","due":0,"refund":true}]}}}
"seq":11,"data":{"apply":{"at":1767225600250,"redrive":[4]}}}
"seq":12,"data":{"apply":{"at":1767225600250,"paused":true}}}
"seq":13,"data":{"apply":{"at":1767225600250,"paused":false}}}
"seq":14,"data":{"apply":{"at":1767225600250,"drift":60000,"receive":[5]}}}
"seq":15,"durable":13,"applied":14,"data":{"apply":{"at":1767225600250,"settle":[{"id":5,"receipt":2,"as":"dead","reason":"late"}]}}}
"seq":16,"data":{"apply":{"at":1767225600250,"purge":[5]}}}
"seq":17,"data":{"apply":{"at":1767225600250,"purge":"all"}}}
`;

Deno.test("MiniQueue: without newer options the log is what older programs write", async () => {
  const fs = new MemoryFileSystem();
  const clock = new FakeClock();
  const queue = await MiniQueue.open<string>("/data", {
    fs,
    clock,
    maxAttempts: 2,
    dedupeWindowMs: 60_000,
  });
  await queue.enqueueBatch([
    { payload: "plain" },
    { payload: "later", delayMs: 1_000 },
    { payload: "first", priority: 2 },
    { payload: "g1", group: "g" },
    { payload: "g2", group: "g", dedupeKey: "k" },
  ]);
  await queue.enqueue("again", { dedupeKey: "k" });
  const first = await queue.receive();
  await first?.ack();
  clock.advance(250);
  const plain = await queue.receive();
  await plain?.nack({ delayMs: 500, reason: "busy" });
  const g1 = await queue.receive();
  await g1?.deadLetter("no");
  const g2 = await queue.receive();
  await g2?.nack({ countAttempt: false });
  await queue.redrive("all");
  await queue.pause();
  await queue.resume();
  clock.setWall(clock.wall() + 60_000);
  const again = await queue.receive();
  await again?.deadLetter("late");
  await queue.purge();
  await queue.purge("all");
  await queue.close();
  const text = new TextDecoder().decode(fs.content("/data/journal.jsonl"));
  const records = text.split("\n").filter((line) => line.includes('"seq"'))
    .map((line) => line.slice(line.indexOf('"seq"')));
  assertEquals(records.join("\n"), RECORDS.trim());
});
