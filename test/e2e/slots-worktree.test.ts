// What only worktrees meet: hooks, submodules, repositories without commits, monorepos, the audit folder in the tree.
import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { slots } from "../../src/adapters/slots/index.js";
import type { SlotContext, SlotRepo } from "../../src/model/slot.js";
import { value } from "../contracts/slots.contract.js";
import { committedRepository, content, git, temporaryFolder, write } from "../slots/rig.js";

const never = new AbortController().signal;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let root: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  root = join(folder.path, "repo");
});
afterEach(() => folder.remove());

function open(more: Partial<SlotContext> & { path?: string; provision?: string[] } = {}) {
  const path = more.path ?? root;
  const provision = (more.provision ?? []).map((to) => ({ from: join(path, to), to }));
  const repo: SlotRepo = { name: "dbt", path, provision };
  return slots.worktree.create({}, { auditDir: join(root, ".audit"), repos: [repo], excludes: [], ...more });
}

describe("worktree slots", () => {
  it("never hold the audit folder, be it untracked, ignored from within, or even tracked", async () => {
    await committedRepository(root, { "a.sql": "1\n" });
    const provider = value(await open());
    const prepare: (() => Promise<void>)[] = [
      () => write(root, { ".audit/state.json": "{}" }),
      () => write(root, { ".audit/.gitignore": "*\n" }),
      async () => {
        git(root, "add", "--force", ".audit/state.json");
        git(root, "commit", "--quiet", "--message", "oops");
      },
    ];
    for (const step of prepare) {
      await step();
      const slot = value(await provider.create(1, never));
      expect(await content(slot.paths.dbt ?? "", [".git"])).toEqual({ "a.sql": expect.any(String) });
      value(await provider.remove(slot, join(folder.path, "archive")));
    }
  });

  it("hold files that were added although they are ignored, and the working tree's side of a conflict", async () => {
    await committedRepository(root, { ".gitignore": "*.csv\n.audit/\n", "a.sql": "1\n" });
    git(root, "checkout", "--quiet", "-b", "other");
    await write(root, { "a.sql": "2\n" });
    git(root, "commit", "--quiet", "--all", "--message", "other");
    git(root, "checkout", "--quiet", "-");
    await write(root, { "a.sql": "3\n", "seed.csv": "x\n" });
    git(root, "commit", "--quiet", "--all", "--message", "mine");
    expect(() => git(root, "merge", "other")).toThrow();
    git(root, "add", "--force", "seed.csv");
    const slot = value(await value(await open()).create(1, never));
    expect(await content(slot.paths.dbt ?? "", [".git"])).toEqual(await content(root, [".git", ".audit"]));
  });

  it("run no hook", async () => {
    await committedRepository(root, { "a.sql": "1\n" });
    await write(root, {
      ".git/hooks/post-checkout": `#!/bin/sh\ntouch '${folder.path.replaceAll("'", "'\\''")}/ran'\n`,
    });
    await chmod(join(root, ".git/hooks/post-checkout"), 0o755);
    value(await value(await open()).create(1, never));
    await expect(stat(join(folder.path, "ran"))).rejects.toThrow();
  });

  it("of a folder in a larger repository are that folder in a worktree of all of it", async () => {
    await committedRepository(root, { "dbt/models/a.sql": "1\n", "other/b.sql": "2\n" });
    await write(root, { "dbt/target/compiled.sql": "1\n", "dbt/new.sql": "n\n" });
    const provider = value(await open({ path: join(root, "dbt"), provision: ["target"] }));
    const slot = value(await provider.create(1, never));
    expect(slot.paths.dbt).toMatch(/slots\/1\/dbt\/dbt$/);
    expect(Object.keys(await content(slot.paths.dbt ?? ""))).toEqual([
      "models/a.sql",
      "new.sql",
      "target/compiled.sql",
    ]);
  });

  it("turn links of local packages to the slot's own files", async () => {
    await committedRepository(root, { ".gitignore": "dbt_packages/\n.audit/\n", "local/macro.sql": "m\n" });
    await mkdir(join(root, "dbt_packages"));
    await symlink(join(root, "local"), join(root, "dbt_packages/local"));
    const slot = value(await value(await open({ provision: ["dbt_packages"] })).create(1, never));
    await writeFile(join(slot.paths.dbt ?? "", "dbt_packages/local/macro.sql"), "changed\n");
    expect(await readFile(join(root, "local/macro.sql"), "utf8")).toBe("m\n");
  });

  it("leave other repositories in the tree out, and the user's own worktrees alone", async () => {
    await committedRepository(root, { ".gitignore": ".audit/\n", "a.sql": "1\n" });
    await committedRepository(join(root, "clone"), { "c.sql": "1\n" });
    await mkdir(join(root, "started"));
    git(join(root, "started"), "init", "--quiet");
    git(root, "worktree", "add", "--quiet", "--detach", join(folder.path, "mine"));
    await rm(join(folder.path, "mine"), { recursive: true });
    const provider = value(await open());
    const slot = value(await provider.create(1, never));
    expect(Object.keys(await content(slot.paths.dbt ?? "", [".git"]))).toEqual([".gitignore", "a.sql"]);
    value(await provider.remove(slot, join(folder.path, "archive")));
    expect(git(root, "worktree", "list")).toContain("mine");
  });

  it("survive an agent that destroys its checkout's .git, and are removed with its work archived", async () => {
    await committedRepository(root, { ".gitignore": ".audit/\n", "a.sql": "1\n" });
    const provider = value(await open());
    const slot = value(await provider.create(1, never));
    await writeFile(join(slot.paths.dbt ?? "", ".git"), `gitdir: ${join(folder.path, "elsewhere")}\n`);
    await writeFile(join(slot.paths.dbt ?? "", "a.sql"), "2\n");
    const patch = value(await provider.remove(slot, join(folder.path, "archive")));
    expect(await readFile(patch ?? "", "utf8")).toContain("+2");
    expect(git(root, "worktree", "list", "--porcelain").match(/^worktree /gm)).toHaveLength(1);
  });

  it("are undone where their making is aborted half-way", async () => {
    await committedRepository(
      root,
      Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`m/${at}.sql`, `${at}`])),
    );
    const provider = value(await open());
    const abort = new AbortController();
    const creating = provider.create(1, abort.signal);
    const appeared = async () => {
      await expect.poll(() => stat(join(root, ".audit/slots/1")).then(() => true), { interval: 5 }).toBe(true);
      abort.abort();
    };
    const [result] = await Promise.all([creating, appeared()]);
    expect(result).toMatchObject({ ok: false, failure: { code: "aborted" } });
    await expect(stat(join(root, ".audit/slots/1"))).rejects.toThrow();
    expect(git(root, "worktree", "list", "--porcelain").match(/^worktree /gm)).toHaveLength(1);
  });

  it.each([
    ["no git checkout", async () => write(root, { "a.sql": "1\n" }), /is no git checkout/],
    ["a bare repository", async () => git(folder.path, "init", "--quiet", "--bare", root), /is a bare git repository/],
  ])("of %s are refused, with what to do", async (_what, prepare, message) => {
    await prepare();
    const result = await open();
    expect(result).toMatchObject({ ok: false, failure: { code: "slot-failed", hint: expect.any(String) } });
    expect(result.ok ? "" : result.failure.message).toMatch(message);
  });

  it("of a repository without commits are refused before anything is made", async () => {
    await mkdir(root);
    git(root, "init", "--quiet");
    const provider = value(await open());
    for (const result of [await provider.check(1), await provider.create(1, never)]) {
      expect(result).toMatchObject({
        ok: false,
        failure: { code: "slot-failed", hint: expect.stringContaining("copy") },
      });
    }
    await expect(stat(join(root, ".audit"))).rejects.toThrow();
  });

  it("of a repository with submodules are refused, and copies of it are not", async () => {
    await committedRepository(join(folder.path, "module"), { "m.sql": "1\n" });
    await committedRepository(root, { ".gitignore": ".audit/\n", "a.sql": "1\n" });
    git(
      root,
      "-c",
      "protocol.file.allow=always",
      "submodule",
      "--quiet",
      "add",
      join(folder.path, "module"),
      "lib/mod",
    );
    git(root, "commit", "--quiet", "--all", "--message", "module");
    const refused = await value(await open()).create(1, never);
    expect(refused).toMatchObject({
      ok: false,
      failure: { code: "slot-failed", hint: expect.stringContaining("copy") },
    });
    expect(refused.ok ? "" : refused.failure.message).toContain('"lib/mod"');
    const repos = [{ name: "dbt", path: root, provision: [] }];
    const copies = value(await slots.copy.create({}, { auditDir: join(root, ".audit"), repos, excludes: [] }));
    const slot = value(await copies.create(1, never));
    expect(await readFile(join(slot.paths.dbt ?? "", "lib/mod/m.sql"), "utf8")).toBe("1\n");
  });
});
