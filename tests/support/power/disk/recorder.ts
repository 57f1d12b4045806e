// A process of its own: serves a disk as a file, keeps it in memory, and notes every write and flush before it answers.
import { applyEvents, decodeEvents, encodeEvent } from "./event_log.ts";
import { answer, MAX_REQUEST, ROOT_MODE, type ServedDisk } from "./fuse.ts";
import { Image } from "./image.ts";
import { mount, openFile, readFile, SystemError, writeFile } from "./libc.ts";

const [path, logPath, size] = Deno.args as [string, string, string];

const image = Image.empty(Number(size));
applyEvents(image, decodeEvents(Deno.readFileSync(logPath)));
const log = Deno.openSync(logPath, { append: true });

const disk: ServedDisk = {
  sizeBytes: image.sizeBytes,
  read: (offset, into) => image.read(offset, into),
  write(offset, bytes) {
    image.write(offset, bytes);
    log.writeSync(encodeEvent({ kind: "write", offset, bytes }));
  },
  flush: () => void log.writeSync(encodeEvent({ kind: "flush" })),
};

const fuse = openFile("/dev/fuse");
const options = `fd=${fuse},rootmode=${
  ROOT_MODE.toString(8)
},user_id=0,group_id=0`;
mount({ type: "fuse", source: "recorder", target: path, options });
// deno-lint-ignore no-console -- the process that has started it waits for that
console.log("ready");

const ENOENT = 2;
const EINTR = 4;
const ENODEV = 19;

const buffer = new Uint8Array(MAX_REQUEST);
for (;;) {
  try {
    const count = readFile(fuse, buffer);
    const reply = answer(buffer.subarray(0, count), disk);
    if (reply !== undefined) writeFile(fuse, reply);
  } catch (error) {
    const number = error instanceof SystemError ? error.errno : undefined;
    // It is unmounted.
    if (number === ENODEV) break;
    // The caller does not wait any more.
    if (number !== ENOENT && number !== EINTR) throw error;
  }
}
