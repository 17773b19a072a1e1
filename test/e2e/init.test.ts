// The first hour with the built program: `init` in a copy of the demo that is a git repository of its own, after a test run;
// what it writes is run as it is. The questions are answered in a real terminal.
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { root } from "../rig/small-audit.js";
import { openTerminal } from "../rig/tmux-terminal.js";

const run = promisify(execFile);
const cli = join(root, "dist/cli.js");

let folder: string;
let project: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-init-"));
  project = join(folder, "dot-bids");
  const isLeft = (path: string) => /[/\\](\.data|target|logs|\.audit)([/\\]|$)/.test(path.slice(root.length));
  for (const name of ["dot-bids", "dot-sync"]) {
    await cp(join(root, "examples", name), join(folder, name), { recursive: true, filter: (path) => !isLeft(path) });
    await run("git", ["init", "--quiet", join(folder, name)]);
  }
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  const remote = "https://somebody:canary-token@example.org/dot-sync.git";
  await run("git", ["remote", "add", "origin", remote], { cwd: join(folder, "dot-sync") });
  // As a test run leaves them: failing tests are the demo's normal end.
  const replay = ["build.mjs", "--replay", "--database", ".data/dot_bids.duckdb", "--target", "target"];
  await run(process.execPath, replay, { cwd: project }).catch((error: { code?: number; stderr?: string }) => {
    if (error.code !== 1) throw new Error(error.stderr);
  });
}, 60_000);

beforeEach(() => rm(join(project, "audit.config.yaml"), { force: true }));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** In the project's folder, without a terminal. */
async function audit(args: readonly string[], cwd = project) {
  const { PATH, TMPDIR } = process.env;
  const env = { PATH, TMPDIR, HOME: join(folder, "home"), LANG: "C.UTF-8" };
  const ended = run(process.execPath, [cli, ...args], { cwd, env });
  return ended.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

const written = () => readFile(join(project, "audit.config.yaml"), "utf8");

describe("audit-run init", () => {
  it("--yes writes a config that a run takes as it is", async () => {
    const { code, stderr } = await audit(["init", "--yes"]);
    expect([code, stderr]).toEqual([0, expect.stringContaining("Wrote audit.config.yaml.")]);
    expect(stderr).toContain("state: in 19 of 19 failing tests, 22 values");
    const plan = await audit(["plan", "--json"]);
    expect([plan.code, plan.stderr], "no diagnostic").toEqual([0, ""]);
    const first = await audit(["--state", "VA", "--progress", "silent"]);
    expect([first.code, first.stdout]).toEqual([0, expect.stringContaining("failing cases (test × state)")]);
    const page = await readFile(join(project, ".audit/results/VA.md"), "utf8");
    expect(page).toContain("# State: VA - Test Failures Audit");
    expect(page).toMatch(/## Test: bid_extension_total_wrong\s+\*\*Failures:\*\* 127/);
  });

  it("leaves a config that is there, and writes over it with --force", async () => {
    await audit(["init", "--yes"]);
    await run("sh", ["-c", "echo '# mine' >> audit.config.yaml"], { cwd: project });
    const refused = await audit(["init", "--yes"]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("is there already")]);
    expect(await written()).toContain("# mine");
    expect((await audit(["init", "--yes", "--force"])).code).toBe(0);
    expect(await written()).not.toContain("# mine");
  });

  it("--dry-run prints what --yes writes, from wherever in the project", async () => {
    const below = join(project, "models/marts");
    const { code, stdout } = await audit(["init", "--dry-run"], below);
    expect([code, await written().catch(() => "nothing")]).toEqual([0, "nothing"]);
    const { stderr } = await audit(["init", "--yes"], below);
    expect(stderr).toContain("Wrote ../../audit.config.yaml.\nNext in ../..: audit-run doctor");
    expect(await written()).toBe(stdout);
  });

  it("--json tells what was found, without a remote's login, and writes nothing", async () => {
    const { stdout } = await audit(["init", "dot-bids", "--json"], folder);
    expect(stdout).not.toContain("canary-token");
    expect(JSON.parse(stdout)).toMatchObject({
      version: 1,
      project: { name: "dot_bids", folder: project, repository: project },
      profile: { adapter: "duckdb" },
      artifacts: { tests: 43, failing: 19 },
      failures: { stored: true, schemas: ["dot_bids.dbt_demo_test_failures"] },
      neighbours: [{ name: "dot-sync", remote: "https://example.org/dot-sync.git" }],
      sources: ["dot_portal", "reference"],
      config: { dbt: { path: "dot-bids", dir: "." }, groupBy: "state" },
    });
    expect(await written().catch(() => "nothing")).toBe("nothing");
  });

  it("says where it looked where there is no dbt project", async () => {
    const empty = join(folder, "dot-sync");
    const { code, stderr } = await audit(["init", "--yes"], empty);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`there is no dbt_project.yml in ${empty}`)]);
  });
});

describe.skipIf(process.platform !== "linux")("on a terminal", () => {
  it("asks what it cannot know, and writes the answers", async () => {
    await mkdir(join(folder, "home"), { recursive: true });
    const terminal = await openTerminal(project);
    try {
      await terminal.audits("init");
      await terminal.shows("Which test run is audited?");
      await terminal.press("Enter");
      await terminal.shows("Which column splits the failures into groups?", "in 19 failing tests, 22 values");
      await terminal.press("Enter");
      await terminal.shows(/Which repositories load its sources\?|Who investigates\?/);
      // Which agents are installed is this machine's affair: the built-in one is the first.
      if (!(await terminal.shows("?")).includes("Which repositories")) await terminal.press("Enter");
      await terminal.shows("Which repositories load its sources?", "dot-sync");
      await terminal.press("Space", "Enter");
      await terminal.shows("Which of dbt's sources does dot-sync load?");
      await terminal.press("Space", "Enter");
      await terminal.shows("Write audit.config.yaml?");
      await terminal.press("Enter");
      await terminal.shows("Wrote audit.config.yaml.");
      expect(await written()).toContain("  sources:\n    - path: ../dot-sync\n      loads: [dot_portal]\n");

      await terminal.clear();
      await terminal.audits("init");
      await terminal.shows("Which test run is audited?");
      await terminal.press("C-c");
      await terminal.shows("Nothing was written.");
    } finally {
      await terminal.close();
    }
  });
});
