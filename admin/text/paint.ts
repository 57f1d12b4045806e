/** A style that marks part of a line. */
export type Style = "good" | "bad" | "warn" | "faint" | "bold";

/** Gives a text a style where there is one to be seen. */
export type Paint = (style: Style, text: string) => string;

/** Where lines are shown. */
export interface Screen {
  readonly paint: Paint;
  readonly terminal: {
    /** Whether a person reads them, rather than a program. */
    readonly isInteractive: boolean;
    /** How wide it is, in characters. */
    readonly columns: number;
  };
}
