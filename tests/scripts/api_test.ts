import { assertEquals } from "@std/assert";
import { declarationsIn, differences } from "../../scripts/api.ts";

Deno.test("api: a declaration has no comment, nothing private and no body", () => {
  const names = ["CORRUPT", "LOCKED", "NOT_FOUND", "NO_SPACE", "POISONED"];
  const source = `
    /** The log. */
    export class Log<T> {
      #file: string;
      private open = false;
      readonly id: string = "";
      /** Appends. */
      async append(record: T, options: { durable?: boolean } = {}): Promise<number> {
        return 1;
      }
    }
    export const systemClock: Clock = makeClock();
    export type Code = ${
    names.map((name) => `"a code of ${name}"`).join(" | ")
  };
    export function size(text: string): number;
    export function size(bytes: Uint8Array): number;
    export function size(what: string | Uint8Array): number {
      return what.length;
    }
  `;
  assertEquals(Object.fromEntries(declarationsIn(source)), {
    Log: [
      "class Log<T> {",
      "  readonly id: string;",
      "  append(record: T, options?: {",
      "    durable?: boolean;",
      "  }): Promise<number>;",
      "}",
    ].join("\n"),
    systemClock: "const systemClock: Clock;",
    Code: `type Code =${
      names.map((name) => `\n  | "a code of ${name}"`).join("")
    };`,
    size: "function size(text: string): number;\n" +
      "function size(bytes: Uint8Array): number;",
  });
});

Deno.test("api: a change shows as the lines that have gone and come", () => {
  assertEquals(differences("a\nb\nb\nc\n", "a\nb\nd\n"), ["- b", "- c", "+ d"]);
  assertEquals(differences("a\nb\n", "b\na\n"), []);
});
