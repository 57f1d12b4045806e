import { copy } from "@std/fs";
import { dirname, join } from "@std/path";
import { StateManager } from "@mini/state/state";
import { MiniQueue } from "@mini/state/queue";
import { MiniStore } from "@mini/state/store";
import {
  type Registry,
  serveRegistry,
} from "../../scripts/runtimes/registry.ts";
import { TestDirectory } from "./dir.ts";
import { fixture } from "./mini.ts";

/** `mini`, as it is run from JSR; `inspect` needs the network of this machine. */
const MINI =
  '#!/bin/sh\nexec deno run -q --no-prompt -R -W --allow-net=127.0.0.1 jsr:@mini/state/cli "$@"\n';
/** Stands in for npx: `npx -y deno@2.9.6` is the Deno that runs this. */
const NPX = '#!/bin/sh\nshift 2\nexec deno "$@"\n';

/** The output of a command, and how it ended. */
export interface Said {
  readonly code: number;
  readonly output: string;
}

/**
 * A directory as the documents assume it: with a journal, a state, a queue, and
 * what the Rust programs have left; and this package on a registry of its own.
 */
export class Scratch implements AsyncDisposable {
  readonly #directory: TestDirectory;
  readonly #registry: Registry;

  private constructor(directory: TestDirectory, registry: Registry) {
    this.#directory = directory;
    this.#registry = registry;
  }

  /** Makes one. */
  static async make(): Promise<Scratch> {
    const directory = new TestDirectory();
    const scratch = new Scratch(directory, await serveRegistry());
    for (const [name, text] of [["mini", MINI], ["npx", NPX]] as const) {
      await Deno.mkdir(directory.at("bin"), { recursive: true });
      await Deno.writeTextFile(directory.at(`bin/${name}`), text, {
        mode: 0o755,
      });
    }
    await Deno.mkdir(scratch.at(""));
    // What `deno add jsr:@mini/state` leaves.
    const imports = { "@mini/state": "jsr:@mini/state@*" };
    await Deno.writeTextFile(
      scratch.at("deno.json"),
      JSON.stringify({ imports }),
    );
    await fill(scratch.at(""));
    return scratch;
  }

  /** A path inside. */
  at(name: string): string {
    return join(this.#directory.at("app"), name);
  }

  /** Runs a line of the shell there, or elsewhere; one that never ends, until it has said something. */
  async run(
    line: string,
    { cwd = this.at(""), isEndless = false }: {
      cwd?: string;
      isEndless?: boolean;
    } = {},
  ): Promise<Said> {
    const bin = this.#directory.at("bin");
    const child = new Deno.Command("sh", {
      args: ["-c", `exec 2>&1; ${isEndless ? "exec " : ""}${line}`],
      cwd,
      env: {
        NO_COLOR: "1",
        JSR_URL: this.#registry.url,
        DENO_DIR: this.#directory.at("cache"),
        PATH: [bin, dirname(Deno.execPath()), Deno.env.get("PATH")].join(
          ":",
        ),
      },
      stdout: "piped",
    }).spawn();
    let output = "";
    for await (
      const text of child.stdout.pipeThrough(new TextDecoderStream())
    ) {
      output += text;
      if (isEndless) child.kill("SIGTERM");
    }
    const { code } = await child.status;
    return {
      code: isEndless ? 0 : code,
      output: output.replaceAll(this.at("."), "/app"),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#registry[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}

async function fill(app: string): Promise<void> {
  {
    await using store = await MiniStore.open(join(app, "data/journal.jsonl"));
    for (let at = 1; at <= 200; at++) void store.append({ at });
  }
  {
    await using state = await StateManager.open(join(app, "state"), {
      initial: () => ({ value: 0 }),
      apply: (state, op: { by: number }) => {
        state.value += op.by;
      },
    });
    for (let by = 1; by <= 40; by++) await state.apply({ by });
    await state.createSnapshot();
    for (let by = 41; by <= 50; by++) await state.apply({ by });
  }
  {
    await using queue = await MiniQueue.open<number>(join(app, "jobs"));
    await queue.enqueueBatch(
      Array.from({ length: 20 }, (_, job) => ({ payload: job })),
    );
    for (let dead = 1; dead <= 17; dead++) {
      await (await queue.receive())?.deadLetter("no such address");
    }
  }
  await Deno.writeTextFile(
    join(app, "counter.ts"),
    `export const initial = () => ({ value: 0 });
export const apply = (state, { by }) => void (state.value += by);
`,
  );
  await Deno.writeTextFile(join(app, "app.log"), '{"at":1}\n{"at":2}{"at":\n');
  await copy(fixture("mini-rs/counter.log"), join(app, "counter.log"));
  await copy(fixture("mini-rs/state"), join(app, "rust-state"));
  await copy(fixture("v1/flipped"), join(app, "orders"));
}
