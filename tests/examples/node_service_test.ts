import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { TextLineStream } from "@std/streams/text-line-stream";
import { ROOT } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";

Deno.test("examples/node_service.mjs counts visits across a kill, and ends on SIGTERM", async () => {
  await using directory = new TestDirectory();
  for (
    const [signal, counts] of [["SIGKILL", "2"], ["SIGTERM", "4"]] as const
  ) {
    const service = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--allow-env=PORT",
        "--allow-net=127.0.0.1",
        `--allow-read=${directory.path}`,
        `--allow-write=${directory.path}`,
        "--config",
        join(ROOT, "deno.json"),
        join(ROOT, "examples/node_service.mjs"),
      ],
      cwd: directory.path,
      env: { PORT: "0" },
      stdout: "piped",
    }).spawn();
    const lines = service.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream()).getReader();
    const { value: url } = await lines.read();
    for (let n = 0; n < 2; n++) {
      const posted = await fetch(`${url}home`, { method: "POST" });
      await posted.body?.cancel();
    }
    const response = await fetch(`${url}home`);
    assertEquals(await response.text(), `/home: ${counts}\n`);
    service.kill(signal);
    await lines.cancel();
    assertEquals(
      (await service.status).signal,
      signal === "SIGKILL" ? signal : null,
    );
  }
});
