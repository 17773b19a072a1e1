import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fillCommand, fillPath } from "../../src/adapters/slots/placeholders.js";

describe("placeholders in a command", () => {
  it("take a plain value as it is", () => {
    expect(fillCommand("jg slot new {n}", { n: "3", repo: "/data/dbt" })).toBe("jg slot new 3");
    expect(fillCommand("git worktree add {repo}-{n}", { n: "3", repo: "/data/dbt" })).toBe(
      "git worktree add /data/dbt-3",
    );
  });

  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: shell text
  it("leave the shell's own braces alone", () => {
    expect(fillCommand("echo ${n} {other} {a,b}", { n: "3" })).toBe("echo ${n} {other} {a,b}");
  });
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: shell text

  it("keep any path one word, bare, in double or in single quotes", () => {
    const text = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 12 });
    const hostile = ["a b", "$(id)", "`id`", "it's", '"', "\\", "; true", "$HOME", "*", "!x", ...fc.sample(text, 60)];
    const template = `printf '%s\\0' {repo} "{repo}" '{repo}' "a\\"{repo}" it\\'s{repo}`;
    const script = hostile.map((repo) => fillCommand(template, { repo })).join("\n");
    const words = execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1);
    expect(words).toEqual(hostile.flatMap((repo) => [repo, repo, repo, `a"${repo}`, `it's${repo}`]));
  });

  it("are plain text in a path", () => {
    expect(fillPath("{repo}-{n}", { repo: "/a b/it's", n: "2" })).toBe("/a b/it's-2");
  });
});
