/**
 * What the user wrote wrong, and where. Made by readers of files that people write
 * (audit.config.yaml, audit.exceptions.yaml); turned into prose in one place, support/render-diagnostics.ts.
 */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  /** Stable, kebab-case: `unknown-key`, `wrong-type`, `not-allowed`, `missing-variable` … */
  readonly code: string;
  /** One sentence with the offending value quoted. No trailing full stop. */
  readonly message: string;
  /** Path as the user would type it, relative to the working directory. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  /** How many characters to underline, at least 1. */
  readonly length: number;
  /** The whole source line, for the frame. */
  readonly sourceLine: string;
  /** What is allowed here, if that can be listed. */
  readonly allowed?: readonly string[];
  /** The closest allowed word, if one is near. */
  readonly didYouMean?: string;
  readonly hint?: string;
}
