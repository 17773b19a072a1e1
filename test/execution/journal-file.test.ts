/** Lines on their way to the disk: each is durable when it is said to be, and those that come together share the wait. */
import { expect, test } from "vitest";
import { appender } from "../../src/execution/journal-file.js";

/** A file whose fsyncs end when the test says so. */
function slowFile() {
  const done: string[] = [];
  const waiting: ((error?: Error) => void)[] = [];
  const file = {
    append: async (content: string | Uint8Array) => void done.push(Buffer.from(content).toString()),
    sync: () =>
      new Promise<void>((resolve, reject) => {
        waiting.push((error) => (error === undefined ? resolve() : reject(error)));
      }),
    close: async () => undefined,
  };
  /** Ends the fsync that is on. */
  const end = async (error?: Error): Promise<void> => {
    waiting.shift()?.(error);
    // Whoever waits for it goes on.
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { file, done, waiting, end };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("lines that come while others are made durable share the next fsync, in their order", async () => {
  const { file, done, waiting, end } = slowFile();
  const journal = appender(file, Buffer.alloc(0));
  const told: string[] = [];
  const append = (line: string) => journal.append(`${line}\n`).then(() => told.push(line));
  void append("one");
  await settled();
  void append("two");
  void append("three");
  await settled();
  expect(done).toEqual(["one\n"]);
  await end();
  expect(told).toEqual(["one"]);
  expect(done).toEqual(["one\n", "two\nthree\n"]);
  expect(waiting).toHaveLength(1);
  await end();
  expect(told).toEqual(["one", "two", "three"]);
});

test("of lines that share a refused fsync none is said to be durable, and the next begins anew", async () => {
  const { file, done, end } = slowFile();
  const journal = appender(file, Buffer.alloc(0));
  const told: string[] = [];
  const append = (line: string) =>
    journal
      .append(`${line}\n`)
      .then(() => told.push(line))
      .catch(() => told.push(`not ${line}`));
  void append("one");
  void append("two");
  await settled();
  await end(new Error("EIO"));
  expect(told).toEqual(["not one", "not two"]);
  expect(journal.end()).toBeNull();
  void append("three");
  await settled();
  expect(done.at(-1)).toBe("\nthree\n");
  await end();
  expect(told).toContain("three");
});
