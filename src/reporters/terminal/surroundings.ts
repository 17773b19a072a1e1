/** What a terminal view needs of the world: a stream to write to, and time. */

/** `process.stderr`, or anything like it. */
export interface ViewStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  readonly writableNeedDrain?: boolean;
  write(text: string): boolean;
  on(event: "resize" | "error", listener: (error?: Error) => void): unknown;
  off(event: "resize" | "error", listener: (error?: Error) => void): unknown;
}

export interface ViewClock {
  /** Milliseconds since 1970: lines of a log bear the time of day. */
  now(): number;
  /** Calls back every so many milliseconds until the returned function is called; keeps no process alive. */
  every(milliseconds: number, callback: () => void): () => void;
}

export const realClock: ViewClock = {
  now: () => Date.now(),
  every(milliseconds, callback) {
    const timer = setInterval(callback, milliseconds);
    timer.unref();
    return () => clearInterval(timer);
  },
};
