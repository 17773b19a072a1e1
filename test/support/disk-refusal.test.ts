// What the system refuses is a failure with a next step; what is our own fault stays a bug.
import { link } from "node:fs/promises";
import { expect, test } from "vitest";
import { diskRefusal } from "../../src/support/disk-refusal.js";

const refused = (code: string, syscall: string): Error =>
  Object.assign(new Error(`${code}: refused, ${syscall} '.audit/run.lock'`), { code, syscall });

test.each(["ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EPERM"])(
  "a file system without hard links says %s, and what to do is told",
  (code) => {
    expect(diskRefusal(refused(code, "link"))).toEqual({
      code: "disk",
      message: `${code}: refused, link '.audit/run.lock'`,
      hint: "Move the audit folder to a disk that has hard links, with `dir` in the config, and run again; what was finished is kept.",
    });
  },
);

test("node says of a link that it was one", async () => {
  const error = await link("/nowhere/draft", "/nowhere/run.lock").catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ syscall: "link" });
  // This one has nothing to do with hard links.
  expect(diskRefusal(error)?.hint).toBe("Run again when it is mended; what was finished is kept.");
});

test("the same code of another call has another step, and what no disk says is a bug", () => {
  expect(diskRefusal(refused("EPERM", "open"))?.hint).toMatch(/^Run again when it is mended/);
  expect(diskRefusal(refused("ENOSPC", "write"))?.hint).toMatch(/^Make room/);
  expect(diskRefusal(new TypeError("x is not a function"))).toBeNull();
  expect(diskRefusal(refused("ERR_INVALID_ARG_TYPE", "link"))).toBeNull();
});
