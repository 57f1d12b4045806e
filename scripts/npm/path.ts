/**
 * What the library uses of `@std/path`, for the npm package: `@std/path` asks
 * `Deno` for the working directory, and Node has none.
 */
export { basename, dirname, extname, join, resolve } from "node:path";
export {
  fileURLToPath as fromFileUrl,
  pathToFileURL as toFileUrl,
} from "node:url";
