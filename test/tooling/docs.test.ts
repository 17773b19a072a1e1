// What the documents name must be there: links, files in backticks, npm scripts.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };

function documents(): string[] {
  const top = readdirSync(root).filter((name) => name.endsWith(".md"));
  const below = ["docs", "examples"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".md") && !/(^|\/)(\.audit|target|dbt_packages|node_modules)\//.test(path))
      .map((path) => `${folder}/${path}`),
  );
  return [...top, ...below].sort();
}

/** Without code blocks, whose content is example. */
function prose(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, "");
}

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, found]) => found ?? "");
}

describe.each(documents())("%s", (path) => {
  const text = readFileSync(join(root, path), "utf8");

  test("links to files that are there", () => {
    const links = matches(prose(text), /\]\((?!https?:|mailto:|#)([^)\s#]+)/g);
    expect(links.filter((link) => !existsSync(join(root, dirname(path), link)))).toEqual([]);
  });

  test("names files that are there", () => {
    const named = matches(prose(text), /`((?:src|test|scripts|docs|schema|examples)\/[\w./-]+)`/g);
    expect(named.filter((name) => !existsSync(join(root, name)))).toEqual([]);
  });

  test("names npm scripts that are there", () => {
    const named = matches(text, /npm run (?:-s |--silent )?([a-z][\w:-]*)/g);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});
