import { parseArgs } from "node:util";

/** A request that makes no sense, or not for these files: exit code 2. */
export class Misuse extends TypeError {
  override name = "Misuse";
}

/** An option of a command. */
export interface OptionSpec {
  readonly name: string;
  readonly short?: string;
  /** The name of its value; none for a flag. */
  readonly value?: string;
  /** The smallest number it may be; without it the value is text. */
  readonly min?: number;
  /** The largest; without it any will do. */
  readonly max?: number;
  /** Whether it may be given without its value, which is the empty text then. */
  readonly isOptional?: boolean;
  readonly summary: string;
}

/** How a command is called. */
export interface CommandSpec {
  /** As it is typed: `queue dead`. */
  readonly name: string;
  /** The operands after the name; optional ones in brackets. */
  readonly operands: readonly string[];
  /** One line. */
  readonly summary: string;
  /** Further lines of help. */
  readonly details: readonly string[];
  readonly options: readonly OptionSpec[];
  /** How it is called, without `mini` and the name. */
  readonly examples: readonly string[];
}

/** Every command has these. */
export const COMMON: readonly OptionSpec[] = [
  { name: "json", summary: "print JSON, for programs" },
  { name: "help", short: "h", summary: "print this" },
];

/** The arguments of a command, checked. */
export class Arguments {
  readonly #operands: readonly string[];
  readonly #values: Readonly<Record<string, string | boolean | undefined>>;

  constructor(
    operands: readonly string[],
    values: Readonly<Record<string, string | boolean | undefined>>,
  ) {
    this.#operands = operands;
    this.#values = values;
  }

  /** The operand at this place; throws where there is none. */
  operand(at: number): string {
    return this.#operands[at]!;
  }

  has(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    return this.#values[name] as string | undefined;
  }

  number(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : Number(text);
  }
}

/** Takes the arguments of a command apart; throws {@linkcode Misuse}. */
export function parseArguments(
  args: readonly string[],
  { name, operands, options: own }: CommandSpec,
): Arguments {
  const options = [...own, ...COMMON];
  const { values, positionals } = takeApart(args, options, name);
  for (const option of options) checkValue(option, values[option.name]);
  const result = new Arguments(positionals, values);
  if (result.has("help")) return result;
  const required = operands.filter((operand) => !operand.startsWith("["));
  if (positionals.length < required.length) {
    const missing = required[positionals.length];
    throw new Misuse(`mini ${name} needs ${missing}; ${seeHelp(name)}`);
  }
  if (positionals.length > operands.length) {
    const extra = positionals[operands.length];
    throw new Misuse(
      `mini ${name}: unexpected argument "${extra}"; ${seeHelp(name)}`,
    );
  }
  return result;
}

function takeApart(
  args: readonly string[],
  options: readonly OptionSpec[],
  name: string,
): {
  values: Record<string, string | boolean | undefined>;
  positionals: string[];
} {
  try {
    const { values, positionals } = parseArgs({
      args: joined(args, options),
      options: Object.fromEntries(options.map((option) => [
        option.name,
        {
          type: option.value === undefined
            ? "boolean" as const
            : "string" as const,
          ...(option.short && { short: option.short }),
        },
      ])),
      allowPositionals: true,
    });
    return { values: { ...values } as Record<string, string>, positionals };
  } catch (error) {
    const unanswered = /^Option '.*?(--[\w-]+).*' argument/.exec(
      (error as Error).message,
    )?.[1];
    if (unanswered !== undefined) {
      throw new Misuse(`${unanswered} needs a value; ${seeHelp(name)}`);
    }
    // Its first sentence says what is wrong; the rest is about programming.
    const [why = ""] = (error as Error).message.split(/\. |\n/);
    throw new Misuse(
      `${why.charAt(0).toLowerCase()}${why.slice(1)}; ${seeHelp(name)}`,
    );
  }
}

/** A number below zero behind an option that takes one is a wrong value, and no option. An optional value stands behind a sign alone. */
function joined(
  args: readonly string[],
  options: readonly OptionSpec[],
): string[] {
  const isNumeric = (arg: string | undefined) =>
    options.some(({ name, short, min }) =>
      min !== undefined && (arg === `--${name}` || arg === `-${short}`)
    );
  const isBare = (arg: string) =>
    options.some(({ name, isOptional }) => isOptional && arg === `--${name}`);
  const result: string[] = [];
  for (const [at, arg] of args.entries()) {
    const before = args[at - 1];
    if (isBare(arg)) result.push(`${arg}=`);
    else if (/^-\d/.test(arg) && isNumeric(before)) {
      result.push(
        `${result.pop()}${before!.startsWith("--") ? "=" : ""}${arg}`,
      );
    } else result.push(arg);
  }
  return result;
}

function checkValue(
  { name, min, max = Number.MAX_SAFE_INTEGER }: OptionSpec,
  value: string | boolean | undefined,
): void {
  if (min === undefined || typeof value !== "string") return;
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= min && number <= max) return;
  const range = max === Number.MAX_SAFE_INTEGER
    ? `of at least ${min}`
    : `from ${min} to ${max}`;
  throw new Misuse(
    `--${name} must be a whole number ${range}, not "${value}"`,
  );
}

function seeHelp(name: string): string {
  return `see mini ${name} --help`;
}
