import { TextLineStream } from "@std/streams/text-line-stream";
import { denoArgs } from "../../system.ts";
import { encodeImage } from "./event_log.ts";
import type { Image } from "./image.ts";
import { unmount } from "./libc.ts";
import { Loop } from "./loop.ts";

/** A disk that notes what it is given. */
export class RecordedDisk {
  readonly loop: Loop;
  readonly #logPath: string;
  readonly #path: string;
  readonly #recorder: Deno.ChildProcess;

  private constructor(
    loop: Loop,
    { logPath, path, recorder }: {
      logPath: string;
      path: string;
      recorder: Deno.ChildProcess;
    },
  ) {
    this.loop = loop;
    this.#logPath = logPath;
    this.#path = path;
    this.#recorder = recorder;
  }

  /** Makes one in a directory. Its log begins with the content that it has. */
  static async make(dir: string, content: Image): Promise<RecordedDisk> {
    const path = `${dir}/disk`;
    const logPath = `${dir}/log`;
    await Deno.writeFile(path, new Uint8Array());
    {
      using log = await Deno.create(logPath);
      for (const bytes of encodeImage(content)) log.writeSync(bytes);
    }
    const args = [path, logPath, String(content.sizeBytes)];
    const recorder = new Deno.Command(Deno.execPath(), {
      args: denoArgs("power/disk/recorder.ts", ...args),
      stdout: "piped",
    }).spawn();
    const lines = recorder.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const line of lines) if (line === "ready") break;
    const loop = Loop.over(path);
    return new RecordedDisk(loop, { logPath, path, recorder });
  }

  /** How many bytes its log has: all that was noted so far. */
  position(): number {
    return Deno.statSync(this.#logPath).size;
  }

  /** Ends it, and returns its log. */
  async end(): Promise<Uint8Array<ArrayBuffer>> {
    this.loop.close();
    // The loop device lets go of the file a moment later.
    unmount(this.#path, "unused");
    await this.#recorder.status;
    return await Deno.readFile(this.#logPath);
  }
}
