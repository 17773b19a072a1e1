/** A terminal as a test sees it: understands what the views write, and nothing more; anything else is an error. */
import type { ViewClock, ViewStream } from "../../src/reporters/terminal/surroundings.js";
import { columnsOf } from "../../src/reporters/terminal/text.js";

export class Screen implements ViewStream {
  readonly isTTY = true;
  writableNeedDrain = false;
  cursorVisible = true;
  wraps = true;
  writes = 0;
  /** Everything ever written. */
  text = "";
  #lines: string[] = [""];
  #row = 0;
  #listeners: (() => void)[] = [];

  constructor(
    public columns = 80,
    public rows = 24,
  ) {}

  /** All lines, those that scrolled out of sight included, without trailing blanks. */
  get lines(): string[] {
    return this.#lines.map((line) => line.trimEnd());
  }

  get listeners(): number {
    return this.#listeners.length;
  }

  on(event: "resize" | "error", listener: () => void): void {
    if (event === "resize") this.#listeners.push(listener);
  }

  off(_event: "resize" | "error", listener: () => void): void {
    this.#listeners = this.#listeners.filter((other) => other !== listener);
  }

  /** As most terminals do: what no longer fits goes on in a row below. */
  resize(columns: number, rows: number): void {
    const before = this.#lines.slice(0, this.#row + 1);
    const rewrapped = before.flatMap((line) => (columnsOf(line) <= columns ? [line] : chunks(line, columns)));
    this.#lines = rewrapped;
    this.#row = rewrapped.length - 1;
    this.columns = columns;
    this.rows = rows;
    for (const listener of this.#listeners) listener();
  }

  write(text: string): boolean {
    this.writes += 1;
    this.text += text;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal is about.
    for (const [token, code] of text.matchAll(/\u001b\[([?\d;]*[A-Za-z])|[\r\n]|[^\u001b\r\n]+|\u001b/g)) {
      if (code !== undefined) this.#control(code);
      else if (token === "\n") this.#newLine();
      else if (token === "\r") this.#column = 0;
      else if (token === "\u001b") throw new Error("a bare escape character");
      else this.#print(token);
    }
    return true;
  }

  #column = 0;

  #newLine(): void {
    this.#row += 1;
    this.#column = 0;
    if (this.#lines[this.#row] === undefined) this.#lines.push("");
  }

  #print(text: string): void {
    const line = (this.#lines[this.#row] ?? "").padEnd(this.#column);
    this.#lines[this.#row] = line.slice(0, this.#column) + text + line.slice(this.#column + text.length);
    this.#column += text.length;
    if (!this.wraps && columnsOf(this.#lines[this.#row] ?? "") > this.columns) throw new Error(`too wide: ${text}`);
  }

  #control(code: string): void {
    if ((code === "K" || code === "J") && this.#column > 0 && this.#column % this.columns === 0) {
      throw new Error("clearing in a full last column takes its character");
    }
    if (code === "J" && this.#column === 0 && this.#row === 0) {
      throw new Error("tmux keeps a copy of what is cleared from the top left corner");
    }
    if (code === "?25l") this.cursorVisible = false;
    else if (code === "?25h") this.cursorVisible = true;
    else if (code === "?7l") this.wraps = false;
    else if (code === "?7h") this.wraps = true;
    else if (code === "K") this.#lines[this.#row] = (this.#lines[this.#row] ?? "").slice(0, this.#column);
    else if (code === "J") {
      this.#lines[this.#row] = (this.#lines[this.#row] ?? "").slice(0, this.#column);
      this.#lines.length = this.#row + 1;
    } else if (/^\d+A$/.test(code)) {
      this.#row -= Number.parseInt(code, 10);
      if (this.#row < 0) throw new Error("the cursor left the screen");
    } else if (!/^[\d;]*m$/.test(code)) throw new Error(`unknown escape sequence ${code}`);
  }
}

function chunks(line: string, columns: number): string[] {
  return Array.from({ length: Math.ceil(line.length / columns) }, (_, index) =>
    line.slice(index * columns, (index + 1) * columns),
  );
}

/** Time that moves only when told to. */
export class ManualClock implements ViewClock {
  #now: number;
  #timers = new Set<{ readonly every: number; readonly callback: () => void; next: number }>();

  constructor(start: Date) {
    this.#now = start.getTime();
  }

  get timers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  every(milliseconds: number, callback: () => void): () => void {
    const timer = { every: milliseconds, callback, next: this.#now + milliseconds };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  pass(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const due = [...this.#timers].filter(({ next }) => next <= end).sort((left, right) => left.next - right.next)[0];
      if (due === undefined) break;
      this.#now = due.next;
      due.next += due.every;
      due.callback();
    }
    this.#now = end;
  }
}
