import { tmpdir } from "node:os";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gitEnvironment } from "../../src/support/git.js";
import { quote, type Shell, shell } from "../../src/support/shell.js";

const here = (more = {}): Shell => shell({ cwd: tmpdir(), env: { PATH: process.env.PATH }, ...more });

describe("shell", () => {
  it("gives what a command wrote", async () => {
    const result = await here()`printf %s out; printf %s err >&2`;
    expect(result).toEqual({ ok: true, value: { stdout: "out", stderr: "err", exitCode: 0 } });
  });

  it("passes values on as single arguments, lists as many, whatever they hold", async () => {
    const hostile = ["; touch x", "$(id)", "a'b\"c", "`id`", "", "-n", "two\nlines", "ü💥", "\\"];
    const result = await here()`printf ${"[%s]"} ${hostile} ${"last one"}`;
    expect(result.ok && result.value.stdout).toBe([...hostile, "last one"].map((text) => `[${text}]`).join(""));
  });

  it("says what a failing command wrote last", async () => {
    const result = await here()`sh -c ${"echo first >&2; echo last >&2; exit 3"}`;
    expect(result).toMatchObject({ ok: false, failure: { code: "command-failed", detail: "first\nlast" } });
    expect(result.ok ? "" : result.failure.message).toMatch(/exited with 3: last$/);
  });

  it("takes other exit codes as an answer where it is told so", async () => {
    expect(await here({ okCodes: [0, 1] })`false`).toMatchObject({ ok: true, value: { exitCode: 1 } });
  });

  it("tells a missing program, a missing folder, a NUL byte, a timeout and an abort apart", async () => {
    const abort = new AbortController();
    const aborted = here({ signal: abort.signal })`sleep 60`;
    setImmediate(() => abort.abort());
    const results = [
      await here()`no-such-program-anywhere`,
      await here({ cwd: "/no/such/folder" })`true`,
      await here()`printf ${"a\0b"}`,
      await here({ timeout: 50 })`sh -c ${"sleep 60 & wait"}`,
      await aborted,
    ];
    expect(results.map((result) => (result.ok ? "ok" : result.failure.code))).toEqual([
      "command-not-found",
      "command-failed",
      "command-failed",
      "command-timeout",
      "aborted",
    ]);
  });

  it("quotes any text so that a shell gives it back", async () => {
    const texts = fc.sample(
      fc.string({ unit: "grapheme-composite", minLength: 0, maxLength: 20 }).filter((text) => !text.includes("\0")),
      200,
    );
    const result = await here()`printf ${"%s\\0"} ${texts}`;
    expect(result.ok && result.value.stdout.split("\0").slice(0, -1)).toEqual(texts);
    expect(quote("plain/path-1.sql")).toBe("plain/path-1.sql");
  });
});

describe("git's environment", () => {
  it("is not tied to the repository of a hook that we run in", () => {
    const env = gitEnvironment({ PATH: "/bin", GIT_DIR: "/elsewhere", GIT_INDEX_FILE: "x", GIT_SSH_COMMAND: "ssh -4" });
    expect(env).toMatchObject({ PATH: "/bin", GIT_SSH_COMMAND: "ssh -4", GIT_OPTIONAL_LOCKS: "0" });
    expect(env).not.toHaveProperty("GIT_DIR");
    expect(env).not.toHaveProperty("GIT_INDEX_FILE");
  });
});
