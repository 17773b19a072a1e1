/**
 * A text that a person wrote, and diagnostics at places in it. Knows no YAML.
 */
import type { Diagnostic } from "../model/diagnostic.js";

/** Offsets into the text, in UTF-16 units; the end is exclusive. */
export type Span = readonly [start: number, end: number];

/** Keys and indices from the root. */
export type Path = readonly (string | number)[];

/** Where the parts of a document stand. */
export interface Places {
  /** Span of a value; where the path leads nowhere, of the nearest part that stands in the file. */
  value(path: Path): Span;
  /** Span of a key; of a list's item, that item. */
  key(path: Path): Span;
  /** A scalar as it is written, without quotes; null for anything else. */
  written(path: Path): string | null;
}

/** A diagnostic that has no place yet. */
export type Finding = Omit<Diagnostic, "file" | "line" | "column" | "length" | "sourceLine">;

export class SourceText {
  readonly file: string;
  readonly text: string;
  readonly #lineStarts: readonly number[];

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    const starts = [0];
    for (let index = text.indexOf("\n"); index >= 0; index = text.indexOf("\n", index + 1)) starts.push(index + 1);
    this.#lineStarts = starts;
  }

  /** The diagnostic at a span; of a span of several lines, its first line is underlined. */
  diagnostic([start, end]: Span, finding: Finding): Diagnostic {
    const index = this.#lineOf(Math.max(0, Math.min(start, this.text.length)));
    const lineStart = this.#lineStarts[index] ?? 0;
    const lineEnd = (this.#lineStarts[index + 1] ?? this.text.length + 1) - 1;
    const sourceLine = this.text.slice(lineStart, lineEnd).replace(/\r$/, "");
    const column = Math.max(0, Math.min(start - lineStart, sourceLine.length));
    const stop = Math.min(end - lineStart, sourceLine.trimEnd().length);
    return {
      ...finding,
      file: this.file,
      line: index + 1,
      column: column + 1,
      length: Math.max(1, stop - column),
      sourceLine,
    };
  }

  /** 1-based line of an offset. */
  line(offset: number): number {
    return this.#lineOf(offset) + 1;
  }

  #lineOf(offset: number): number {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** By place, errors before warnings at the same one; exact repetitions are dropped. */
export function sorted(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const distinct = new Map(
    diagnostics.map((item) => [`${item.line}:${item.column}:${item.code}:${item.message}`, item]),
  );
  return [...distinct.values()].sort(
    (left, right) =>
      left.line - right.line || left.column - right.column || left.severity.localeCompare(right.severity),
  );
}
