/** What users would pick instead, each at its durable setting. Loaded only to be measured. */
import { join } from "@std/path";

/** A log as a peer can keep it: values by number. */
export interface PeerLog {
  append(number: number, value: unknown): Promise<unknown> | void;
  appendAll(first: number, values: readonly unknown[]): Promise<unknown> | void;
  /** Reads every value, in order, and gives how many there were. */
  readAll(take: (value: unknown) => void): Promise<void> | void;
  close(): Promise<unknown> | void;
}

/** A peer that may be measured. */
export interface Peer {
  readonly name: string;
  /** What its setting is. */
  readonly setting: string;
  open(dir: string): Promise<PeerLog>;
}

/** Not seen by the type checker, and fetched only when it is measured. */
// deno-lint-ignore no-explicit-any -- nothing is known of it
function load(specifier: string): Promise<any> {
  return import(specifier);
}

const sqlite: Peer = {
  name: "node:sqlite",
  setting: "WAL, synchronous=FULL",
  async open(dir) {
    const { DatabaseSync } = await load("node:sqlite");
    const db = new DatabaseSync(join(dir, "log.db"));
    db.exec("pragma journal_mode=wal; pragma synchronous=full");
    db.exec("create table if not exists log (seq integer primary key, data)");
    const insert = db.prepare("insert into log values (?, ?)");
    return {
      append: (number, value) => insert.run(number, JSON.stringify(value)),
      appendAll(first, values) {
        db.exec("begin");
        for (const [index, value] of values.entries()) {
          insert.run(first + index, JSON.stringify(value));
        }
        db.exec("commit");
      },
      readAll(take) {
        for (
          const row of db.prepare("select data from log order by seq").iterate()
        ) {
          take(JSON.parse(row.data));
        }
      },
      close: () => db.close(),
    };
  },
};

const lmdb: Peer = {
  name: "lmdb",
  setting: "overlappingSync off: a commit is on disk",
  async open(dir) {
    const { open } = await load("npm:lmdb@3.5.6");
    const db = open({
      path: join(dir, "lmdb"),
      overlappingSync: false,
      encoding: "json",
    });
    return {
      append: (number, value) => db.put(number, value),
      appendAll: (first, values) =>
        db.transaction(() => {
          for (const [index, value] of values.entries()) {
            db.put(first + index, value);
          }
        }),
      readAll(take) {
        for (const { value } of db.getRange()) take(value);
      },
      close: () => db.close(),
    };
  },
};

const level: Peer = {
  name: "classic-level",
  setting: "sync: true",
  async open(dir) {
    const { ClassicLevel } = await load("npm:classic-level@3.0.0");
    const db = new ClassicLevel(join(dir, "level"), { valueEncoding: "json" });
    const key = (number: number) => String(number).padStart(16, "0");
    return {
      append: (number, value) => db.put(key(number), value, { sync: true }),
      appendAll: (first, values) =>
        db.batch(
          values.map((value, index) => ({
            type: "put",
            key: key(first + index),
            value,
          })),
          { sync: true },
        ),
      async readAll(take) {
        for await (const value of db.values()) take(value);
      },
      close: () => db.close(),
    };
  },
};

const kv: Peer = {
  name: "Deno KV",
  setting: "as it is",
  async open(dir) {
    const open =
      (Deno as { openKv?: (path: string) => Promise<KvLike> }).openKv;
    if (open === undefined) throw new Error("it needs --unstable-kv");
    const db = await open(join(dir, "kv.db"));
    return {
      append: (number, value) => db.set([number], value),
      async appendAll(first, values) {
        // No more than so many mutations are one commit.
        for (let at = 0; at < values.length; at += 10) {
          const atomic = db.atomic();
          for (const [index, value] of values.slice(at, at + 10).entries()) {
            atomic.set([first + at + index], value);
          }
          await atomic.commit();
        }
      },
      async readAll(take) {
        for await (const { value } of db.list({ prefix: [] })) take(value);
      },
      close: () => db.close(),
    };
  },
};

interface KvLike {
  set(key: readonly unknown[], value: unknown): Promise<unknown>;
  atomic(): {
    set(key: readonly unknown[], value: unknown): void;
    commit(): Promise<unknown>;
  };
  list(
    selector: { prefix: readonly unknown[] },
  ): AsyncIterable<{ value: unknown }>;
  close(): void;
}

/** Every peer that keeps a log. */
export const PEERS: readonly Peer[] = [sqlite, lmdb, level, kv];
