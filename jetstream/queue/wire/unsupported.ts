import { MiniError } from "../../../queue/mod.ts";

/** The error of a call that asks for what the servers cannot do. */
export function unsupported(what: string, otherWay: string): MiniError {
  return new MiniError(
    "UNSUPPORTED",
    `A queue on NATS JetStream has no ${what}: ${otherWay}; nothing was done`,
  );
}
