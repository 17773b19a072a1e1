/** What every slot provider must do, with real git. */
import { chmod, cp, mkdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Result } from "../../src/model/result.js";
import type { SlotAdapter, SlotContext, SlotProvider, SlotRepo } from "../../src/model/slot.js";
import { committedRepository, content, git, temporaryFolder, write } from "../slots/rig.js";

export interface SlotContractOptions {
  readonly adapter: SlotAdapter<never>;
  readonly settings: unknown;
  /** False for a provider that hands out the user's own tree. */
  readonly isolates: boolean;
}

const never = new AbortController().signal;

export function value<Value>(result: Result<Value>): Value {
  if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.message}\n${result.failure.detail ?? ""}`);
  return result.value;
}

export function slotContract({ adapter, settings, isolates }: SlotContractOptions): void {
  let template: Awaited<ReturnType<typeof temporaryFolder>>;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let dbt: SlotRepo;
  let sync: SlotRepo;
  let context: SlotContext;
  let archiveDir: string;

  const open = async (): Promise<SlotProvider> =>
    value(await adapter.create(adapter.settings.parse(settings) as never, context));

  beforeAll(async () => {
    template = await temporaryFolder();
    const [dbtPath, syncPath] = [join(template.path, "ai platform"), join(template.path, "dot-sync")];
    await committedRepository(dbtPath, {
      ".gitignore": "target/\ndbt_packages/\n.audit/\n*.log\n",
      "models/bids.sql": "select 1\n",
      "models/gone.sql": "select 2\n",
      "models/kept.sql": "select 3\n",
      "bin/run": "#!/bin/sh\n",
      "names/ü 'quoted' \"twice\".sql": "select 4\n",
    });
    await committedRepository(syncPath, { "extract.py": "print(1)\n" });
    // Uncommitted: modified, staged, deleted, new, binary, mode, link, a name that looks like an option.
    await write(dbtPath, {
      "models/bids.sql": "select 10\n",
      "models/new.sql": "select 5\n",
      "-rf": "dash\n",
      "data.bin": Buffer.from([0, 255, 13, 10, 0, 128]),
      "target/compiled/bids.sql": "select 10 -- compiled\n",
      "dbt_packages/utils/macros/m.sql": "macro\n",
      "run.log": "ignored\n",
      ".audit/secret.json": "{}",
    });
    await rm(join(dbtPath, "models/gone.sql"));
    await chmod(join(dbtPath, "bin/run"), 0o755);
    await symlink("models/kept.sql", join(dbtPath, "link.sql"));
    git(dbtPath, "add", "--", "models/bids.sql");
  });
  afterAll(() => template.remove());

  beforeEach(async () => {
    folder = await temporaryFolder();
    await cp(template.path, folder.path, { recursive: true, verbatimSymlinks: true });
    const path = join(folder.path, "ai platform");
    const provision = ["dbt_packages", "target", "not-there"].map((to) => ({ from: join(path, to), to }));
    dbt = { name: "dbt", path, provision };
    sync = { name: `dot "sync" ü`, path: join(folder.path, "dot-sync"), provision: [] };
    context = { auditDir: join(dbt.path, ".audit"), repos: [dbt, sync], excludes: [] };
    archiveDir = join(context.auditDir, "slots", "archive");
  });
  afterEach(() => folder.remove());

  it("gives each repository with its uncommitted changes and the folders that git ignores but an agent needs", async () => {
    const slot = value(await (await open()).create(1, never));
    const [at, syncAt] = [slot.paths.dbt ?? "", slot.paths[sync.name] ?? ""];
    expect(Object.keys(slot.paths)).toEqual(["dbt", sync.name]);
    const leave = [".git", ".audit", "run.log"];
    expect(await content(at, leave)).toEqual(await content(dbt.path, leave));
    expect(await content(syncAt, leave)).toEqual(await content(sync.path, leave));
    if (isolates) await expect(stat(join(at, ".audit"))).rejects.toThrow();
  });

  it("locates a slot before it is made, and removes what is not there without a word", async () => {
    const provider = await open();
    const planned = provider.locate(2);
    expect(await provider.remove(planned, archiveDir)).toEqual({ ok: true, value: null });
    expect(value(await provider.create(2, never))).toEqual(planned);
  });

  it("leaves the user's files, index, branches and stashes byte for byte as they are", async () => {
    const before = await content(dbt.path, [".audit", ".git"]);
    const facts = async () => ({
      index: await readFile(join(dbt.path, ".git/index")),
      refs: git(dbt.path, "for-each-ref"),
      head: await readFile(join(dbt.path, ".git/HEAD"), "utf8"),
    });
    const index = await facts();
    const provider = await open();
    const slot = value(await provider.create(1, never));
    if (isolates) await writeFile(join(slot.paths.dbt ?? "", "models/bids.sql"), "changed by an agent\n");
    value(await provider.remove(slot, archiveDir));
    expect(await content(dbt.path, [".audit", ".git"])).toEqual(before);
    expect(await facts()).toEqual(index);
    expect(git(dbt.path, "worktree", "list", "--porcelain").match(/^worktree /gm)).toHaveLength(1);
  });

  it("makes six slots at the same time", async () => {
    const provider = await open();
    const made = (await Promise.all([1, 2, 3, 4, 5, 6].map((number) => provider.create(number, never)))).map(value);
    for (const slot of made) {
      expect(await readFile(join(slot.paths.dbt ?? "", "models/new.sql"), "utf8")).toBe("select 5\n");
    }
    expect(new Set(made.map((slot) => slot.paths.dbt)).size).toBe(isolates ? 6 : 1);
    for (const result of await Promise.all(made.map((slot) => provider.remove(slot, archiveDir)))) value(result);
  });

  it("makes nothing once it is aborted", async () => {
    const provider = await open();
    const result = await provider.create(1, AbortSignal.abort());
    expect(result).toMatchObject({ ok: false, failure: { code: "aborted" } });
    expect(value(await provider.check(1))).toBeUndefined();
  });

  if (!isolates) return;

  describe("a slot of one's own", () => {
    it("is gone after its removal, a clean one without an archive", async () => {
      const provider = await open();
      const slot = value(await provider.create(1, never));
      expect(value(await provider.remove(slot, archiveDir))).toBeNull();
      for (const path of Object.values(slot.paths)) await expect(stat(path)).rejects.toThrow();
      expect(value(await provider.create(1, never))).toEqual(slot);
    });

    it("never holds what the audit excludes, be it untracked, tracked, a folder, or among what it is given besides", async () => {
      const names = ["warehouse.duckdb", "committed.duckdb", "data/raw.csv", "target/dev.duckdb"];
      await write(dbt.path, Object.fromEntries(names.map((name) => [name, "every row\n"])));
      git(dbt.path, "add", "--", "committed.duckdb");
      git(dbt.path, "commit", "--quiet", "--message", "oops", "--", "committed.duckdb");
      const excluded = ["warehouse.duckdb", "warehouse.duckdb.wal", "committed.duckdb", "data", "target/dev.duckdb"];
      context = { ...context, excludes: excluded.map((name) => join(dbt.path, name)) };
      const provider = await open();
      const slot = value(await provider.create(1, never));
      const held = Object.keys(await content(slot.paths.dbt ?? ""));
      expect(held).toContain("target/compiled/bids.sql");
      for (const name of names) expect(held).not.toContain(name);
      expect(value(await provider.remove(slot, archiveDir))).toBeNull();
    });

    it("is archived as a patch that holds all that an agent changed", async () => {
      const provider = await open();
      const slot = value(await provider.create(1, never));
      const at = slot.paths.dbt ?? "";
      await write(at, {
        "models/kept.sql": "select 3 -- fixed\n",
        "notes/ü.md": "found it\n",
        "image.bin": Buffer.from([0, 1, 2, 0, 255]),
      });
      await rm(join(at, "models/new.sql"));
      // An agent may make repositories of its own, with a commit or without.
      for (const name of ["clone", "started"]) {
        await mkdir(join(at, name));
        git(join(at, name), "init", "--quiet");
        await write(at, { [`${name}/file.txt`]: `${name}\n` });
      }
      git(join(at, "clone"), "add", "--all");
      git(join(at, "clone"), "commit", "--quiet", "--message", "x");
      const leave = [".git", "target", "dbt_packages", "run.log", "clone/.git", "started/.git"];
      const changed = await content(at, leave);
      const patch = value(await provider.remove(slot, archiveDir));
      expect(patch).toBe(join(archiveDir, "slot-1", "dbt.patch"));
      // Applied to what the user has, the patch gives what the agent had.
      git(dbt.path, "apply", patch ?? "");
      expect(await content(dbt.path, [...leave, ".audit"])).toEqual(changed);
    });

    it("never overwrites an older archive", async () => {
      const provider = await open();
      const patches = [];
      for (const text of ["one\n", "two\n"]) {
        const slot = value(await provider.create(1, never));
        for (const path of Object.values(slot.paths)) await write(path, { "note.md": text });
        patches.push(value(await provider.remove(slot, archiveDir)));
      }
      expect(patches).toEqual([join(archiveDir, "slot-1"), join(archiveDir, "slot-1-2")]);
      expect(await readFile(join(archiveDir, "slot-1/dbt.patch"), "utf8")).toContain("+one");
    });

    it("is refused where something stands already, which is then left alone", async () => {
      const provider = await open();
      const planned = provider.locate(1);
      await write(planned.paths.dbt ?? "", { "mine.txt": "precious\n" });
      for (const result of [await provider.check(1), await provider.create(1, never)]) {
        expect(result).toMatchObject({ ok: false, failure: { code: "slot-exists" } });
        expect(result.ok ? "" : result.failure.hint).toContain("cleanup");
      }
      await provider.remove(planned, archiveDir);
      expect(await readFile(join(planned.paths.dbt ?? "", "mine.txt"), "utf8")).toBe("precious\n");
    });

    it("is not removed through a link that points elsewhere", async () => {
      const provider = await open();
      const slot = value(await provider.create(1, never));
      const victim = join(folder.path, "victim");
      await write(victim, { "precious.txt": "x\n" });
      const slotFolder = join(context.auditDir, "slots", "1");
      const mark = await readFile(join(slotFolder, ".audit-run-slot.json"), "utf8");
      await write(victim, { ".audit-run-slot.json": mark });
      await rm(slotFolder, { recursive: true });
      await symlink(victim, slotFolder);
      const result = await provider.remove(slot, archiveDir);
      expect(result).toMatchObject({ ok: false, failure: { code: "slot-failed" } });
      expect(await readFile(join(victim, "precious.txt"), "utf8")).toBe("x\n");
    });

    it("that another audit made is left alone", async () => {
      const provider = await open();
      const slot = value(await provider.create(1, never));
      const file = join(context.auditDir, "slots", "1", ".audit-run-slot.json");
      await writeFile(file, (await readFile(file, "utf8")).replace(/"audit": "\w+"/, '"audit": "another"'));
      expect(await provider.remove(slot, archiveDir)).toMatchObject({ ok: false, failure: { code: "slot-failed" } });
      expect((await stat(slot.paths.dbt ?? "")).isDirectory()).toBe(true);
    });

    it("of a dead run is removed by the next one, also where its making was cut off", async () => {
      const slot = value(await (await open()).create(1, never));
      const file = join(context.auditDir, "slots", "1", ".audit-run-slot.json");
      await writeFile(file, (await readFile(file, "utf8")).replace('"ready"', '"creating"'));
      await write(slot.paths.dbt ?? "", { "half.txt": "x" });
      expect(value(await (await open()).remove(slot, archiveDir))).toBeNull();
      value(await (await open()).create(1, never));
    });

    it("whose folder somebody deleted can be removed and made again", async () => {
      const provider = await open();
      const slot = value(await provider.create(1, never));
      for (const path of Object.values(slot.paths)) await rm(path, { recursive: true });
      expect(value(await provider.remove(slot, archiveDir))).toBeNull();
      expect(value(await provider.create(1, never))).toEqual(slot);
    });
  });
}
