/** The peers that users would pick in place of our log, each at its durable setting. */
import { join } from "node:path";
import { type Contender, load, type Log } from "./contender.ts";

const sqlite: Contender<Log> = {
  name: "node:sqlite",
  setting: "WAL, synchronous=FULL",
  isDurable: true,
  async open(dir) {
    const { DatabaseSync } = await load("node:sqlite");
    return tableOf(new DatabaseSync(join(dir, "log.db")));
  },
};

const betterSqlite: Contender<Log> = {
  name: "better-sqlite3",
  setting: "WAL, synchronous=FULL",
  isDurable: true,
  async open(dir) {
    const { default: Database } = await load("better-sqlite3");
    return tableOf(new Database(join(dir, "log.db")));
  },
};

// deno-lint-ignore no-explicit-any -- one of two libraries
function tableOf(db: any): Log {
  db.exec("pragma journal_mode=wal; pragma synchronous=full");
  db.exec("create table if not exists log (seq integer primary key, data)");
  const insert = db.prepare("insert into log values (?, ?)");
  const all = db.prepare("select data from log order by seq");
  const appendAll = (first: number, values: readonly unknown[]) => {
    db.exec("begin");
    for (const [index, value] of values.entries()) {
      insert.run(first + index, JSON.stringify(value));
    }
    db.exec("commit");
  };
  return {
    append: (number, value) => insert.run(number, JSON.stringify(value)),
    appendAll,
    fill: appendAll,
    readAll(take) {
      for (const { data } of all.iterate()) take(JSON.parse(data));
    },
    close: () => db.close(),
  };
}

const lmdb: Contender<Log> = {
  name: "lmdb",
  setting: "overlappingSync off: a commit is on disk",
  isDurable: true,
  async open(dir) {
    const { open } = await load("lmdb");
    const db = open({
      path: join(dir, "lmdb"),
      overlappingSync: false,
      encoding: "json",
    });
    const appendAll = (first: number, values: readonly unknown[]) =>
      db.transaction(() => {
        for (const [index, value] of values.entries()) {
          db.put(first + index, value);
        }
      });
    return {
      append: (number, value) => db.put(number, value),
      appendAll,
      fill: appendAll,
      readAll(take) {
        for (const { value } of db.getRange()) take(value);
      },
      close: () => db.close(),
    };
  },
};

const level: Contender<Log> = {
  name: "classic-level",
  setting: "sync: true",
  isDurable: true,
  async open(dir) {
    const { ClassicLevel } = await load("classic-level");
    const db = new ClassicLevel(join(dir, "level"), { valueEncoding: "json" });
    const key = (number: number) => String(number).padStart(16, "0");
    const appendAll = (first: number, values: readonly unknown[]) =>
      db.batch(
        values.map((value, index) => ({
          type: "put",
          key: key(first + index),
          value,
        })),
        { sync: true },
      );
    return {
      append: (number, value) => db.put(key(number), value, { sync: true }),
      appendAll,
      fill: appendAll,
      async readAll(take) {
        for (const iterator = db.values();;) {
          const values = await iterator.nextv(1_000);
          if (values.length === 0) return await iterator.close();
          for (const value of values) take(value);
        }
      },
      close: () => db.close(),
    };
  },
};

const kv: Contender<Log> = {
  name: "Deno KV",
  setting: "as it is",
  isDurable: true,
  async open(dir) {
    const db = await openKv(join(dir, "kv.db"));
    /** No more than 1,000 mutations may be one commit. */
    const appendAll = async (first: number, values: readonly unknown[]) => {
      for (let at = 0; at < values.length; at += 500) {
        const atomic = db.atomic();
        for (const [index, value] of values.slice(at, at + 500).entries()) {
          atomic.set([first + at + index], value);
        }
        await atomic.commit();
      }
    };
    return {
      append: (number, value) => db.set([number], value),
      appendAll,
      fill: appendAll,
      async readAll(take) {
        const all = db.list({ prefix: [] }, { batchSize: 500 });
        for await (const { value } of all) take(value);
      },
      close: () => db.close(),
    };
  },
};

/** Opens Deno's own database, whose types are there only with a flag. */
// deno-lint-ignore no-explicit-any -- for that reason
export async function openKv(path: string): Promise<any> {
  const { openKv } = Deno as { openKv?: (path: string) => Promise<unknown> };
  if (openKv === undefined) throw new Error("it needs --unstable-kv");
  return await openKv(path);
}

const nedb: Contender<Log> = {
  name: "@seald-io/nedb",
  setting: "as it is: appends without any sync",
  isDurable: false,
  async open(dir) {
    const { default: Datastore } = await load("@seald-io/nedb");
    const db = new Datastore({ filename: join(dir, "nedb") });
    await db.loadDatabaseAsync();
    const document = (number: number, value: unknown) => ({
      _id: String(number),
      value,
    });
    const appendAll = (first: number, values: readonly unknown[]) =>
      db.insertAsync(
        values.map((value, index) => document(first + index, value)),
      );
    return {
      append: (number, value) => db.insertAsync(document(number, value)),
      appendAll,
      fill: appendAll,
      async readAll(take) {
        for (const { value } of await db.findAsync({})) take(value);
      },
      close: () => {},
    };
  },
};

const lowdb: Contender<Log> = {
  name: "lowdb",
  setting: "as it is: rewrites everything each time, without any sync",
  isDurable: false,
  not: ["append", "batch", "load"],
  async open(dir) {
    const { JSONFilePreset } = await load("lowdb/node");
    const db = await JSONFilePreset(join(dir, "lowdb.json"), { log: [] });
    const push = (values: readonly unknown[]) => db.data.log.push(...values);
    return {
      append: (_number, value) => push([value]) && db.write(),
      appendAll: (_first, values) => push(values) && db.write(),
      fill: (_first, values) => push(values),
      readAll(take) {
        for (const value of db.data.log) take(value);
      },
      close: () => db.write(),
    };
  },
};

/** The least that one caller waits for who leaves the rest of the program its turn. */
export const AWAITED: Contender<Log> = {
  name: "awaited write + fsync",
  setting: "a plain file, for one caller",
  isDurable: true,
  async open(dir) {
    const options = { create: true, append: true };
    const file = await Deno.open(join(dir, "log"), options);
    const encoder = new TextEncoder();
    const appendAll = async (_first: number, values: readonly unknown[]) => {
      const lines = values.map((value) => `${JSON.stringify(value)}\n`);
      await file.write(encoder.encode(lines.join("")));
      await file.syncData();
    };
    return {
      append: (number, value) => appendAll(number, [value]),
      appendAll,
      fill: appendAll,
      readAll: () => {},
      close: () => file.close(),
    };
  },
};

/** Those that Deno brings. */
export const LOGS: readonly Contender<Log>[] = [sqlite, kv];

/** Those from npm. */
export const NODE_LOGS: readonly Contender<Log>[] = [
  betterSqlite,
  lmdb,
  level,
  nedb,
  lowdb,
];
