/** Subscribes to every channel of the package, as an adapter for tracing does. */
import { subscribe } from "node:diagnostics_channel";

const TRACED =
  "open append commit rotate compact snapshot apply enqueue receive process settle"
    .split(" ");
const POINTS =
  "poisoned no-space torn slow aborted dead-letter lease-expired deposed"
    .split(" ");

/** How many messages have come. */
export let told = 0;

const count = () => {
  told++;
};
for (const name of TRACED) {
  for (const event of ["start", "asyncEnd", "error"]) {
    subscribe(`tracing:mini-state:${name}:${event}`, count);
  }
}
for (const name of POINTS) subscribe(`mini-state:${name}`, count);
