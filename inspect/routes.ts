/** The thing that a request asks for, by its path. */
export type Route =
  | { readonly kind: "page" | "none"; readonly name?: never }
  /** The page is at the same path with a slash. */
  | { readonly kind: "redirect"; readonly to: string; readonly name?: never }
  | { readonly kind: "answer" | "action"; readonly name: string };

const NAMES = [
  "overview",
  "records",
  "record",
  "state",
  "queue",
  "search",
  "live",
];

/**
 * Finds out what a request asks for, wherever the inspector is mounted: by the
 * end of the path. A browser that asks for a path without a slash at its end is
 * led to the page.
 */
export function routeOf({ url, headers }: Request): Route {
  const { pathname } = new URL(url);
  const [, action] = /\/api\/actions\/(\w+)$/.exec(pathname) ?? [];
  if (action !== undefined) return { kind: "action", name: action };
  const [, name] = /\/api\/(\w+)$/.exec(pathname) ?? [];
  if (name !== undefined && NAMES.includes(name)) {
    return { kind: "answer", name };
  }
  const isBrowsed = headers.get("accept")?.includes("text/html") ?? false;
  if (pathname.endsWith("/")) {
    // Nothing but a browser takes it for that of a page.
    const isOurs = isBrowsed || !/\/api\/(\w+\/)*$/.test(pathname);
    return { kind: isOurs ? "page" : "none" };
  }
  if (!isBrowsed) return { kind: "none" };
  const last = pathname.slice(pathname.lastIndexOf("/") + 1);
  return { kind: "redirect", to: `./${last}/` };
}
