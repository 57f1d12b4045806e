import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { Hono } from "hono";
import { type Inspector, toNodeHandler } from "@mini/state/inspect";

/** A server that an inspector is mounted in, at `/admin/log/`. */
export interface Server extends AsyncDisposable {
  readonly port: number;
}

function serve(handler: (request: Request) => Promise<Response>): Server {
  const { addr, shutdown } = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen() {},
  }, handler);
  return { port: addr.port, [Symbol.asyncDispose]: shutdown };
}

async function serveByNode(listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  await new Promise<void>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve())
  );
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Mounts an inspector at `/admin/log/` in servers of all kinds. */
export const SERVERS: Readonly<
  Record<string, (inspector: Inspector) => Server | Promise<Server>>
> = {
  "Deno.serve": ({ fetch }) =>
    serve((request) => {
      const { pathname } = new URL(request.url);
      return pathname.startsWith("/admin/log")
        ? fetch(request)
        : Promise.resolve(new Response("elsewhere", { status: 404 }));
    }),
  "a route of Hono": ({ fetch }) => {
    const app = new Hono();
    const route = (c: { req: { raw: Request } }) => fetch(c.req.raw);
    app.all("/admin/log", route).all("/admin/log/*", route);
    return serve(async (request) => await app.fetch(request));
  },
  "mount() of Hono": ({ fetch }) => {
    const app = new Hono();
    app.mount("/admin/log", fetch);
    return serve(async (request) => await app.fetch(request));
  },
  "Express": (inspector) =>
    serveByNode(express().use("/admin/log", toNodeHandler(inspector))),
  "node:http": (inspector) => serveByNode(toNodeHandler(inspector)),
};
