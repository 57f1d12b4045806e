import { closeFile, control, openFile, type SystemError } from "./libc.ts";

// linux/loop.h
const LOOP_CTL_GET_FREE = 0x4c82;
const LOOP_CONFIGURE = 0x4c0a;
const CONFIG_BYTES = 304;
const CONFIG_FLAGS = 60;
const AUTOCLEAR = 4;
const EBUSY = 16;

/** A block device whose content is that of a file, there as long as somebody has it open or mounted. */
export class Loop {
  readonly path: string;
  readonly #fd: number;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  /** Makes one over a file. */
  static over(file: string): Loop {
    for (;;) {
      try {
        return Loop.#configure(file);
      } catch (error) {
        // Somebody else was faster.
        if ((error as SystemError).errno !== EBUSY) throw error;
      }
    }
  }

  static #configure(file: string): Loop {
    const devices = openFile("/dev/loop-control");
    const path = `/dev/loop${control(devices, LOOP_CTL_GET_FREE)}`;
    closeFile(devices);
    const backing = openFile(file);
    const fd = openFile(path);
    const config = new Uint8Array(CONFIG_BYTES);
    const view = new DataView(config.buffer);
    view.setUint32(0, backing, true);
    view.setUint32(CONFIG_FLAGS, AUTOCLEAR, true);
    try {
      control(fd, LOOP_CONFIGURE, config);
      return new Loop(path, fd);
    } catch (error) {
      closeFile(fd);
      throw error;
    } finally {
      closeFile(backing);
    }
  }

  /** Lets go of it. */
  close(): void {
    closeFile(this.#fd);
  }
}
