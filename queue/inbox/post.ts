import { join } from "@std/path";
import { hex } from "../../base/bytes.ts";
import { assertOptions } from "../../base/checks.ts";
import { MiniError } from "../../base/errors.ts";
import { toJson } from "../../base/json.ts";
import { Mutex } from "../../base/mutex.ts";
import { messageOf } from "../../base/reason.ts";
import { replaceFile } from "../../fs/atomic_file.ts";
import { isMissing } from "../../fs/directory.ts";
import type { FileHandle, FileSystem } from "../../fs/file_system.ts";
import { fromOs } from "../../fs/os_errors.ts";
import { absolutePath, systemFileSystem } from "../../fs/system.ts";
import { MAX_LIST_DEPTH } from "../ledger_log.ts";
import {
  BATCH_CHECKS,
  checkMessage,
  type MessageInput,
  POST_CHECKS,
  type PostOptions,
} from "../options.ts";
import { enqueueTold } from "../telemetry/told.ts";
import {
  encodeFile,
  INBOX,
  MAX_MESSAGES,
  nameOf,
  type PostedMessage,
  TEMPORARY_PREFIX,
} from "./file.ts";

/** The file of the log of a queue with a directory of its own. */
const JOURNAL = "journal.jsonl";

/** How often to make a file again that an opening queue has taken for one that a crash has left. */
const MAX_TRIES = 3;

/** Who may read a posted file, besides its owner: who may read the inbox. */
const READ_BITS = 0o444;

/** Posts a message. */
export async function postOne<T>(
  dir: string | URL,
  payload: T,
  options: PostOptions,
): Promise<void> {
  assertOptions("MiniQueue.post()", options, POST_CHECKS);
  const { fs, ...rest } = options;
  await post(dir, [{ ...rest, payload }], fs);
}

/** Posts messages, as one file, which the queue takes in as one entry. */
export async function postBatch(
  dir: string | URL,
  messages: readonly MessageInput<unknown>[],
  options: Pick<PostOptions, "fs">,
): Promise<void> {
  assertOptions("MiniQueue.postBatch()", options, BATCH_CHECKS);
  await post(dir, messages, options.fs);
}

async function post(
  dir: string | URL,
  messages: readonly MessageInput<unknown>[],
  fs: FileSystem = systemFileSystem,
): Promise<void> {
  const directory = absolutePath(dir);
  const path = join(directory, JOURNAL);
  await enqueueTold({ path }, "post", messages, async (messages) => {
    await postAll(fs, join(directory, INBOX), messages);
    return [];
  });
}

async function postAll(
  fs: FileSystem,
  inbox: string,
  messages: readonly MessageInput<unknown>[],
): Promise<void> {
  if (!Array.isArray(messages)) {
    throw new TypeError("messages must be an array");
  }
  if (messages.length > MAX_MESSAGES) {
    const most = `at most ${MAX_MESSAGES} messages`;
    throw new RangeError(
      `${most} can be posted together, not ${messages.length}`,
    );
  }
  if (messages.length === 0) return;
  for (const message of messages) checkMessage(message);
  const fields = messages.map(fieldsOf);
  const bytes = encodeFile(toJson(fields, Infinity, MAX_LIST_DEPTH));
  await PRODUCER.post(fs, inbox, bytes);
}

function fieldsOf(
  { payload, at, ...options }: MessageInput<unknown>,
): PostedMessage {
  const { delayMs, priority, group, dedupeKey, headers } = options;
  return {
    payload,
    ...(delayMs !== undefined && { delayMs }),
    ...(priority !== undefined && { priority }),
    ...(group !== undefined && { group }),
    ...(dedupeKey !== undefined && { dedupeKey }),
    ...(at !== undefined && { at: at.getTime() }),
    ...(headers !== undefined && { headers }),
  };
}

/** Makes the files of this process: one after another, so that each has its name before the next. */
class Producer {
  readonly #mutex = new Mutex();
  #id: string | undefined;
  #number = 0;

  post(
    fs: FileSystem,
    inbox: string,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    return this.#mutex.run(async () => {
      this.#id ??= newId();
      const name = nameOf(this.#id, ++this.#number);
      for (let tries = 1;; tries++) {
        if (await placeFile(fs, inbox, name, bytes, tries === MAX_TRIES)) {
          return;
        }
      }
    });
  }
}

const PRODUCER = new Producer();

/** 128 random bits. */
function newId(): string {
  const numbers = crypto.getRandomValues(new Uint32Array(4));
  return Array.from(numbers, hex).join("");
}

/** Puts a file into the inbox, durably. Returns `false` if it was removed before it had its name, unless this is the last try. */
async function placeFile(
  fs: FileSystem,
  inbox: string,
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
  isLast: boolean,
): Promise<boolean> {
  let isNamed = false;
  try {
    const mode = await modeIn(fs, inbox);
    const target = join(inbox, name);
    const file = await replaceFile(
      {
        fs,
        directory: inbox,
        temporary: join(inbox, TEMPORARY_PREFIX + name),
        mode,
        directoryMode: mode,
        like: target,
      },
      target,
      async (file) => {
        await letRead(file, mode);
        await file.write(bytes);
      },
    );
    isNamed = true;
    await file.close();
    await fs.syncDirectory(inbox);
    return true;
  } catch (error) {
    if (isNamed) throw undecided(error, inbox);
    if (isMissing(error) && !isLast) return false;
    const place = { directory: inbox, path: inbox };
    throw fromOs(error, `post to "${inbox}"`, "nothing was posted", place);
  }
}

/** The error once the file has its name: never `NO_SPACE`, which says that nothing is there. */
function undecided(cause: unknown, path: string): MiniError {
  return new MiniError(
    "IO",
    `Cannot make durable what was posted to "${path}": ${
      messageOf(cause)
    }; it may be taken in all the same: a dedupeKey lets you post it again`,
    { cause, path },
  );
}

/** The mode of a file in the inbox, which who takes it in must be able to read. Throws `NOT_FOUND` if there is no inbox. */
async function modeIn(fs: FileSystem, inbox: string): Promise<number> {
  const found = await fs.stat(inbox);
  if (found?.kind === "directory") return 0o600 | (found.mode ?? 0) & READ_BITS;
  const message =
    `Cannot post to "${inbox}": there is no such folder; open the queue with { inbox: true } first. Nothing was posted`;
  throw new MiniError("NOT_FOUND", message, { path: inbox });
}

/** Gives a file its mode, whatever the umask of this process is. */
async function letRead(file: FileHandle, mode: number): Promise<void> {
  const made = await file.stat();
  if (made.mode === undefined || made.mode === mode) return;
  await file.own?.({ ...made, mode });
}
