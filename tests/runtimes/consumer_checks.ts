import { join } from "node:path";
import type { Library } from "./library.ts";
import { collect, equal, ok, refused, type Suite } from "./suite.ts";

const journal = (dir: string) => join(dir, "journal.jsonl");

/** Web Streams and consumers do what they promise. */
export async function checkConsumers(
  suite: Suite,
  library: Library,
): Promise<void> {
  await checkStreams(suite, library);
  await checkPositions(suite, library);
}

async function checkStreams(
  suite: Suite,
  { store: { MiniStore } }: Library,
): Promise<void> {
  await suite.check("store: a pipe appends in order", async (dir) => {
    const store = await MiniStore.open<number>(journal(dir));
    let next = 0;
    const source = new ReadableStream<number>({
      pull(controller) {
        if (next === 5_000) controller.close();
        else controller.enqueue(++next);
      },
    });
    await source.pipeTo(store.writable());
    equal(store.sequence, 5_000);
    const stream = store.readable({ from: 4_998 });
    equal(await collect(stream), [
      { seq: 4_998, data: 4_998 },
      { seq: 4_999, data: 4_999 },
      { seq: 5_000, data: 5_000 },
    ]);
    await store.close();
  });
  await suite.check(
    "store: a stream keeps what comes before a record that is no JSON",
    async (dir) => {
      const store = await MiniStore.open<unknown>(journal(dir));
      const writer = store.writable().getWriter();
      writer.closed.catch(() => {});
      const writes = [1, 2, NaN, 4].map((record) => writer.write(record));
      const ends = await Promise.allSettled(writes);
      equal(ends.map(({ status }) => status), [
        "fulfilled",
        "fulfilled",
        "rejected",
        "rejected",
      ]);
      equal((await collect(store.replay())).map(({ data }) => data), [1, 2]);
      await store.close();
    },
  );
  await suite.check("store: a response of live events ends", async (dir) => {
    const store = await MiniStore.open<string>(journal(dir));
    const events = store.readable({ follow: true })
      .pipeThrough(
        new TransformStream<{ seq: number; data: string }, string>({
          transform: ({ seq, data }, out) =>
            out.enqueue(`id: ${seq}\ndata: ${data}\n\n`),
        }),
      )
      .pipeThrough(new TextEncoderStream());
    const { body } = new Response(
      events as ReadableStream<Uint8Array<ArrayBuffer>>,
    );
    const reader = body!.getReader();
    await store.append("a");
    const { value } = await reader.read();
    equal(new TextDecoder().decode(value), "id: 1\ndata: a\n\n");
    await reader.cancel();
    await store.close();
  });
}

async function checkPositions(
  suite: Suite,
  { store: { MiniStore } }: Library,
): Promise<void> {
  await suite.check(
    "store: a consumer continues after its position, here and beside the writer",
    async (dir) => {
      const store = await MiniStore.open<number>(journal(dir));
      await store.appendBatch([1, 2, 3]);
      await store.append(4);
      const consumer = await store.consumer("uploader");
      const taken: number[] = [];
      for await (const { seq } of consumer.follow()) {
        if (taken.push(seq) === 3) break;
      }
      await consumer.commit(2);
      const beside = () => MiniStore.consumer<number>(journal(dir), "uploader");
      await refused("LOCKED", beside);
      await consumer.close();
      equal(await store.consumers(), [
        { name: "uploader", position: 2, lag: 2 },
      ]);
      const other = await beside();
      for await (const { seq } of other.follow()) {
        if (taken.push(seq) === 4) break;
      }
      equal(taken, [1, 2, 3, 3]);
      await other.commit(3);
      await other.close();
      await store.rotate();
      const { heldBy, removed } = await store.compact(4);
      equal([heldBy?.name, heldBy?.position, removed], ["uploader", 3, []]);
      ok(await store.removeConsumer("uploader"), "it is removed");
      equal((await store.compact(4)).removed.length, 1);
      await store.close();
    },
  );
}
