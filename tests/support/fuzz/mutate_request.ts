import type { Random } from "@mini/state/testing";
import type { FuzzRequest } from "./input.ts";
import { mutateJson, pick, VALUES } from "./mutate_json.ts";

const METHODS = ["GET", "POST", "HEAD", "PUT", "OPTIONS"];
const WORDS = [
  "/",
  "//",
  "%00",
  "%2e%2e/",
  "api/",
  "?",
  "&",
  "=",
  "from",
  "count",
  "seq",
  "at",
  "after",
  "text",
  "limit",
  "0",
  "-1",
  "1e9",
  "NaN",
  "é",
  "%",
  "2026",
  "kind",
  "id",
  "regex",
  "live",
  "actions/",
  "records",
  "state",
  "queue",
];

/** Changes a request, or takes a part of another. */
export function mutateRequest(
  request: FuzzRequest,
  other: FuzzRequest,
  random: Random,
): FuzzRequest {
  const { path, body } = request;
  const at = random.below(path.length + 1);
  switch (random.below(8)) {
    case 0:
      return { ...request, method: pick(random, METHODS) };
    case 1:
      return { ...request, headers: other.headers };
    case 2:
      return { ...request, body: mutateJson(body ?? "{}", VALUES, random) };
    case 3:
      return { ...request, body: other.body ?? "" };
    case 4:
      return { ...request, path: path.slice(0, at) + path.slice(at + 1) };
    case 5:
      return {
        ...request,
        path: path.replace(
          /=[^&]*/g,
          (pair) =>
            random.oneIn(2)
              ? pair
              : `=${encodeURIComponent(pick(random, VALUES))}`,
        ),
      };
    case 6:
      return {
        ...request,
        path: `${path}${path.includes("?") ? "&" : "?"}${pick(random, WORDS)}=${
          pick(random, WORDS)
        }`,
      };
    default:
      return {
        ...request,
        path: path.slice(0, at) + pick(random, WORDS) + path.slice(at),
      };
  }
}
