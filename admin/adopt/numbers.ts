/** Nothing else makes a number that JavaScript changes by more than a rounding. */
const SUSPICIOUS = /\d{16}|\d[eE]/;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** The most digits of a number in a message. */
const MAX_SHOWN = 40;

/** The first number of a JSON text that JavaScript has not: an integer that it would change, however it is written, or one that is too large or too close to 0. */
export function flawedNumber(json: string): string | undefined {
  if (!SUSPICIOUS.test(json)) return undefined;
  for (let at = 0; at < json.length; at++) {
    const first = json[at]!;
    if (first === '"') at = endOfString(json, at);
    else if (first === "-" || first >= "0" && first <= "9") {
      NUMBER.lastIndex = at;
      const [number] = NUMBER.exec(json)!;
      if (!isKept(number)) return shown(number);
      at += number.length - 1;
    }
  }
  return undefined;
}

function isKept(text: string): boolean {
  const number = Number(text);
  if (!Number.isFinite(number)) return false;
  if (number === 0) return !/^[^eE]*[1-9]/.test(text);
  if (Number.isSafeInteger(number)) return true;
  const integer = integerOf(text);
  // 1e23 is not exact, but it is what JavaScript writes for it again.
  return integer === undefined || integer === BigInt(number) ||
    integer === integerOf(String(number));
}

const PARTS = /^(-?\d+)(?:\.(\d+))?(?:[eE](.+))?$/;

/** The value of a finite number that is not 0; `undefined` if it has a fraction. */
function integerOf(text: string): bigint | undefined {
  const [, whole = "", fraction = "", exponent = "0"] = PARTS.exec(text)!;
  const digits = whole + fraction;
  let end = digits.length;
  while (digits[end - 1] === "0") end--;
  const zeros = Number(exponent) - fraction.length + digits.length - end;
  if (zeros < 0) return undefined;
  return BigInt(digits.slice(0, end) + "0".repeat(zeros));
}

function shown(number: string): string {
  return number.length <= MAX_SHOWN ? number : `${number.slice(0, MAX_SHOWN)}…`;
}

/** The closing quote of the string that starts at `at`. */
function endOfString(json: string, at: number): number {
  for (;;) {
    at = json.indexOf('"', at + 1);
    let before = at - 1;
    while (json[before] === "\\") before--;
    if ((at - before) % 2 === 1) return at;
  }
}
