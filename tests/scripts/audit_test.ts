import { assertEquals, assertStringIncludes } from "@std/assert";
import { audit } from "../../scripts/audit.ts";

const IMPORTS = { "made-up": "npm:made-up@1.0.0" };

/** A registry with one package, and its answer to a question for advisories. */
function registry(answer: () => Response) {
  const asked: unknown[] = [];
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      if (request.url.endsWith("/advisories/bulk")) {
        asked.push(await request.json());
        return answer();
      }
      const dist = {
        tarball: `${request.url}/1.tgz`,
        integrity: "sha512-AA==",
      };
      const version = { name: "made-up", version: "1.0.0", dist };
      return Response.json({
        name: "made-up",
        "dist-tags": { latest: "1.0.0" },
        versions: { "1.0.0": version },
      });
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}/`;
  return { asked, url, [Symbol.asyncDispose]: () => server.shutdown() };
}

Deno.test("audit() asks the registry for each package and its version, and finds no advisory", async () => {
  await using npm = registry(() => Response.json({}));
  assertEquals((await audit(IMPORTS, npm.url)).outcome, "none");
  assertEquals(npm.asked, [{ "made-up": ["1.0.0"] }]);
});

Deno.test("audit() tells an advisory, its severity and its page", async () => {
  const url = "https://github.com/advisories/GHSA-0000";
  const advisory = {
    id: 1,
    url,
    title: "It lets others in",
    severity: "high",
    ["vulnerable_versions"]: "<=1.0.0",
    cwe: ["CWE-1"],
    cvss: { score: 7.5, vectorString: null },
  };
  await using npm = registry(() => Response.json({ "made-up": [advisory] }));
  const { outcome, text } = await audit(IMPORTS, npm.url);
  assertEquals(outcome, "found");
  for (const part of [url, advisory.title, "high", "made-up"]) {
    assertStringIncludes(text, part);
  }
});

Deno.test("audit() is skipped, with the reason, where the registry keeps no advisories", async () => {
  await using npm = registry(() => new Response("no", { status: 405 }));
  const { outcome, text } = await audit(IMPORTS, npm.url);
  assertEquals(outcome, "skipped");
  assertStringIncludes(text, "registry");
});

Deno.test("audit() is skipped, with the reason, where there is no registry", async () => {
  // Nothing listens on the port of a listener that is closed.
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  const { outcome, text } = await audit(IMPORTS, `http://127.0.0.1:${port}/`);
  assertEquals(outcome, "skipped");
  assertStringIncludes(text, String(port));
});
