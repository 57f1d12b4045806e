import type { FileSystem } from "@mini/state/store";

/** The file system with some of its methods replaced. */
export function withMethods(
  fs: FileSystem,
  methods: Partial<FileSystem>,
): FileSystem {
  return new Proxy(fs, {
    get: (_, name) => {
      const own = methods[name as keyof FileSystem];
      const member = Reflect.get(fs, name, fs);
      return own ?? (typeof member === "function" ? member.bind(fs) : member);
    },
  });
}
