import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { diskFiles, readTextFile } from "../../src/config/files.js";
import { memoryFiles } from "./rig.js";

const root = realpathSync(mkdtempSync(join(tmpdir(), "audit-run-files-")));
afterAll(() => rmSync(root, { recursive: true, force: true }));
mkdirSync(join(root, "repo/.git"), { recursive: true });
mkdirSync(join(root, "repo/models"));
writeFileSync(join(root, "repo/dbt_project.yml"), "name: x\n");
symlinkSync(join(root, "repo"), join(root, "link"));
const memory = memoryFiles([`${root}/repo/.git/`, `${root}/repo/models/`, `${root}/repo/dbt_project.yml`], {
  [join(root, "link")]: join(root, "repo"),
});

describe.each([
  ["the disk", diskFiles],
  ["the fake disk of these tests", memory],
])("%s", (_name, files) => {
  test("tells folders, files and nothing apart", () => {
    const kinds = ["repo", "repo/dbt_project.yml", "repo/missing", "repo/dbt_project.yml/below"];
    expect(kinds.map((path) => files.kind(join(root, path)))).toEqual(["folder", "file", "absent", "absent"]);
  });

  test("lists a folder, and nothing where there is none", () => {
    expect([...files.names(join(root, "repo"))].sort()).toEqual([".git", "dbt_project.yml", "models"]);
    expect(files.names(join(root, "missing"))).toEqual([]);
  });

  test("follows a link, and leaves a path alone that leads nowhere yet", () => {
    expect(files.realPath(join(root, "link"))).toBe(join(root, "repo"));
    expect(files.realPath(join(root, "repo/new/folder"))).toBe(join(root, "repo/new/folder"));
  });

  test("finds the checkout that a folder is in", () => {
    expect(files.isGitCheckout(join(root, "repo/models"))).toBe(true);
    expect(files.isGitCheckout(root)).toBe(false);
  });
});

test("a link above a folder that does not exist yet is followed", () => {
  expect(diskFiles.realPath(join(root, "link/new/folder"))).toBe(join(root, "repo/new/folder"));
});

test("a text, nothing, a folder, and what is no UTF-8", () => {
  writeFileSync(join(root, "utf16"), Buffer.from("\ufeffversion: 1\n", "utf16le"));
  writeFileSync(join(root, "bom"), "\ufeffversion: 1\n");
  const read = (name: string) => readTextFile(join(root, name));
  expect(read("bom")).toEqual({ kind: "text", text: "version: 1\n" });
  expect(read("missing")).toEqual({ kind: "absent" });
  expect(read("repo")).toEqual({ kind: "unreadable", reason: "it is a folder" });
  expect(read("utf16")).toEqual({ kind: "unreadable", reason: "it is not UTF-8 text" });
});
