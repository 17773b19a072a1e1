/**
 * What a child process writes: its beginning and its end kept in memory up to a cap, all of it passed on to a file.
 * Knows no process.
 */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { writeAll } from "./disk.js";

/** What was kept of one stream. `head` and `tail` do not overlap; together they are everything where `complete`. */
export interface Captured {
  readonly head: Buffer;
  readonly tail: Buffer;
  /** All bytes that came, kept or not. */
  readonly bytes: number;
  readonly complete: boolean;
}

/** For a person: head, a line that says what was left out, tail. Bytes that are no UTF-8 become U+FFFD. */
export function capturedText(captured: Captured): string {
  if (captured.complete) return Buffer.concat([captured.head, captured.tail]).toString("utf8");
  const left = captured.bytes - captured.head.length - captured.tail.length;
  return `${captured.head.toString("utf8")}\n[… ${left} bytes left out …]\n${captured.tail.toString("utf8")}`;
}

export class Capture {
  readonly #headLimit: number;
  readonly #tailLimit: number;
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  bytes = 0;

  constructor(headLimit: number, tailLimit: number) {
    this.#headLimit = headLimit;
    this.#tailLimit = tailLimit;
  }

  add(chunk: Buffer): void {
    this.bytes += chunk.length;
    const room = this.#headLimit - this.#headBytes;
    const first = chunk.subarray(0, room);
    if (first.length > 0) {
      this.#head.push(first);
      this.#headBytes += first.length;
    }
    const rest = chunk.subarray(first.length);
    if (rest.length === 0 || this.#tailLimit === 0) return;
    this.#tail.push(rest);
    this.#tailBytes += rest.length;
    // Cut only now and then: joining at every chunk would copy the whole tail each time.
    if (this.#tailBytes > this.#tailLimit * 4) this.#cutTail();
  }

  end(): Captured {
    this.#cutTail();
    const tail = Buffer.concat(this.#tail);
    return {
      head: Buffer.concat(this.#head),
      tail,
      bytes: this.bytes,
      complete: this.bytes === this.#headBytes + tail.length,
    };
  }

  #cutTail(): void {
    if (this.#tailBytes <= this.#tailLimit) return;
    const all = Buffer.concat(this.#tail);
    this.#tail = [Buffer.from(all.subarray(all.length - this.#tailLimit))];
    this.#tailBytes = this.#tailLimit;
  }
}

/** A line of a program's output that is longer is left out: no message of a protocol is. */
const longestMessage = 32 * 1024 * 1024;

/** Cuts what comes into lines, without their ends. */
export class LineReader {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new StringDecoder("utf8");
  #pieces: string[] = [];
  #length = 0;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  add(chunk: Buffer): void {
    const parts = this.#decoder.write(chunk).split("\n");
    for (const [position, part] of parts.entries()) {
      if (position > 0) this.#endLine();
      this.#length += part.length;
      if (this.#length > longestMessage) this.#pieces = [];
      else this.#pieces.push(part);
    }
  }

  /** The last line need not end. */
  end(): void {
    this.#pieces.push(this.#decoder.end());
    this.#endLine();
  }

  #endLine(): void {
    const line = this.#length > longestMessage ? "" : this.#pieces.join("");
    this.#pieces = [];
    this.#length = 0;
    if (line !== "") this.#onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
  }
}

/** A line longer than this is redacted in pieces. */
const longestLine = 256 * 1024;
/** Characters that a secret may have for not being cut in two, where a line is. */
const longestSecret = 16 * 1024;

/**
 * A file that output is streamed to, redacted line by line. Remembers its first error instead of throwing. Written at once:
 * the system takes a chunk in less time than a thread needs to be asked to write it, and nobody has to wait for anybody.
 */
export class OutputFile {
  error: Error | null = null;
  readonly #file: number;
  readonly #redact: ((text: string) => string) | undefined;
  readonly #onError: () => void;
  readonly #decoder = new StringDecoder("utf8");
  #pending = "";

  /** Throws where the file cannot be opened. An older file is replaced. */
  constructor(path: string, redact: ((text: string) => string) | undefined, onError: () => void) {
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(path, "w");
    this.#redact = redact;
    this.#onError = onError;
  }

  add(chunk: Buffer): void {
    if (this.error !== null) return;
    if (this.#redact === undefined) {
      this.#write(chunk);
      return;
    }
    this.#pending += this.#decoder.write(chunk);
    const cut = this.#pending.lastIndexOf("\n") + 1;
    let text = this.#redact(this.#pending.slice(0, cut));
    this.#pending = this.#pending.slice(cut);
    if (this.#pending.length > longestLine) {
      const piece = cutBetweenSecrets(this.#pending, this.#redact);
      text += piece.redacted;
      this.#pending = piece.rest;
    }
    this.#write(text);
  }

  /** Once, at the end. */
  close(): void {
    const rest = this.#pending + this.#decoder.end();
    if (this.error === null) this.#write(this.#redact === undefined ? rest : this.#redact(rest));
    closeSync(this.#file);
  }

  #write(content: string | Buffer): void {
    try {
      writeAll(this.#file, content);
    } catch (error) {
      this.error = error as Error;
      this.#onError();
    }
  }
}

/**
 * Cuts a line that does not end where no secret is: there the parts come out as the whole does. What has not come in whole
 * by now is in the rest. Where no place is found, a secret is longer than all of them: it is masked as far as it came.
 */
function cutBetweenSecrets(line: string, redact: (text: string) => string) {
  const whole = redact(line);
  for (let end = line.length - longestSecret; end > 0; end -= longestSecret) {
    // Half of a character is no text.
    const cut = /[\uDC00-\uDFFF]/.test(line.charAt(end)) ? end - 1 : end;
    const [first, rest] = [line.slice(0, cut), line.slice(cut)];
    const redacted = redact(first);
    if (redacted + redact(rest) === whole) return { redacted, rest };
  }
  return { redacted: whole, rest: "" };
}
