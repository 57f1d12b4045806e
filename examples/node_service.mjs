/**
 * An HTTP service under Node that counts visits, and loses none to `kill -9`:
 * `node node_service.mjs`, then
 * `curl -X POST localhost:8000/home; curl localhost:8000/home`. It runs under
 * Bun and Deno as well.
 */
import { createServer } from "node:http";
import process from "node:process";
import { StateManager } from "@mini/state";

const visits = await StateManager.open("./data/visits", {
  /** @returns {Record<string, number>} */
  initial: () => ({}),
  /** @param {{ page: string }} visit */
  apply: (pages, { page }) => {
    pages[page] = (pages[page] ?? 0) + 1;
  },
});

const server = createServer(async (request, response) => {
  const page = request.url ?? "/";
  try {
    if (request.method === "POST") await visits.apply({ page }); // on the disk
    response.end(`${page}: ${visits.state[page] ?? 0}\n`);
  } catch (error) {
    // What was not written is not acknowledged.
    response.writeHead(503).end(`${error}\n`);
  }
});
server.listen(Number(process.env.PORT ?? 8000), "127.0.0.1", () => {
  const address = server.address();
  // deno-lint-ignore no-console -- it is a command
  console.log(`http://127.0.0.1:${address.port}/`);
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    // Waits for the requests under way, then for the state.
    server.close(() => visits.close());
    server.closeIdleConnections();
  });
}
