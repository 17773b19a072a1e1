// A program's output, cut into lines however it comes.
import fc from "fast-check";
import { expect, test } from "vitest";
import { LineReader } from "../../src/support/process-output.js";

function read(chunks: readonly Buffer[]): readonly string[] {
  const lines: string[] = [];
  const reader = new LineReader((line) => lines.push(line));
  for (const chunk of chunks) reader.add(chunk);
  reader.end();
  return lines;
}

test("lines come out whole, wherever the chunks are cut, and empty ones do not", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme" })), fc.integer({ min: 1, max: 7 }), (texts, size) => {
      const lines = texts.map((text) => text.replaceAll(/[\r\n]/g, ""));
      const bytes = Buffer.from(lines.join("\n"));
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        bytes.subarray(at * size, (at + 1) * size),
      );
      expect(read(chunks)).toEqual(lines.filter((line) => line !== ""));
    }),
  );
});

test("an end of the line may be Windows' own", () => {
  expect(read([Buffer.from("one\r\ntwo\r"), Buffer.from("\nthree")])).toEqual(["one", "two", "three"]);
});

test("a line of 40 MB is left out, and the next is not", () => {
  const piece = Buffer.alloc(8 * 1024 * 1024, "x");
  expect(read([piece, piece, piece, piece, piece, Buffer.from("\nnext\n")])).toEqual(["next"]);
});
