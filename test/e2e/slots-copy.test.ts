// What only copies meet: what git ignores, repositories inside the repository, folders that are no checkout, links.
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { slots } from "../../src/adapters/slots/index.js";
import type { SlotContext } from "../../src/model/slot.js";
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

/** Names of the files in a copy of a folder. */
async function copied(more: Partial<SlotContext> & { path?: string; provision?: string[] } = {}) {
  const { path = root, provision = [], ...context } = more;
  const repos = [{ name: "dbt", path, provision: provision.map((to) => ({ from: join(path, to), to })) }];
  const made = await slots.copy.create({}, { auditDir: join(root, ".audit"), repos, excludes: [], ...context });
  const slot = value(await value(made).create(1, never));
  return Object.keys(await content(slot.paths.dbt ?? ""));
}

describe("copies of a git checkout", () => {
  it("hold what git tracks or would track, and what is provided: no database, no log, no secret that git ignores", async () => {
    await committedRepository(root, {
      ".gitignore": "*.duckdb\nlogs/\n.env\ntarget/\n.audit/\nseed.csv\n",
      "models/a.sql": "1\n",
      "models/deleted.sql": "1\n",
    });
    await write(root, {
      "models/new.sql": "2\n",
      "models/cache.duckdb": "rows",
      "warehouse.duckdb": "every row",
      "logs/dbt.log": "said",
      ".env": "PASSWORD=x",
      "seed.csv": "x",
      "target/compiled.sql": "1\n",
    });
    git(root, "add", "--force", "seed.csv");
    git(root, "rm", "--quiet", "models/deleted.sql");
    expect(await copied({ provision: ["target"] })).toEqual([
      ".gitignore",
      "models/a.sql",
      "models/new.sql",
      "seed.csv",
      "target/compiled.sql",
    ]);
  });

  it("ask repositories inside it what they ignore: submodules, clones, and ones without a commit", async () => {
    await committedRepository(join(folder.path, "module"), { "m.sql": "1\n", ".gitignore": "*.log\n" });
    await committedRepository(root, { ".gitignore": ".audit/\n", "a.sql": "1\n" });
    const source = join(folder.path, "module");
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", source, "lib/mod");
    git(root, "clone", "--quiet", source, "clone");
    await mkdir(join(root, "started"));
    git(join(root, "started"), "init", "--quiet");
    await write(root, { "lib/mod/x.log": "x", "clone/x.log": "x", "started/x.sql": "x" });
    expect(await copied()).toEqual([
      ".gitignore",
      ".gitmodules",
      "a.sql",
      "clone/.gitignore",
      "clone/m.sql",
      "lib/mod/.gitignore",
      "lib/mod/m.sql",
      "started/x.sql",
    ]);
  });

  it("of a folder in it hold that folder alone", async () => {
    await committedRepository(root, { ".gitignore": "*.log\n.audit/\n", "dbt/a.sql": "1\n", "other/b.sql": "2\n" });
    await write(root, { "dbt/x.log": "x", "dbt/new.sql": "n" });
    expect(await copied({ path: join(root, "dbt") })).toEqual(["a.sql", "new.sql"]);
  });
});

describe("copies of a folder that is no git checkout", () => {
  it("hold all of it but what is excluded", async () => {
    await write(root, { "a.sql": "1\n", "warehouse.duckdb": "x", ".audit/x.json": "{}", "node_modules/m.js": "1" });
    expect(await copied({ excludes: [join(root, "warehouse.duckdb")] })).toEqual(["a.sql"]);
  });

  it("are the same where a repository around the folder ignores it", async () => {
    await committedRepository(folder.path, { ".gitignore": "repo/\n" });
    await write(root, { "a.sql": "1\n", "x.log": "x" });
    expect(await copied()).toEqual(["a.sql", "x.log"]);
  });

  it("leave out an excluded file that is reached by another name", async () => {
    await write(root, { "a.sql": "1\n", "warehouse.duckdb": "x" });
    const alias = join(folder.path, "alias");
    await symlink(root, alias);
    expect(await copied({ excludes: [join(alias, "warehouse.duckdb")] })).toEqual(["a.sql"]);
  });

  it("are the same when the folder itself is reached by another name", async () => {
    await write(root, { "a.sql": "1\n", "warehouse.duckdb": "x", ".audit/x.json": "{}" });
    const alias = join(folder.path, "alias");
    await symlink(root, alias);
    expect(await copied({ path: alias, excludes: [join(root, "warehouse.duckdb")] })).toEqual(["a.sql"]);
  });
});
