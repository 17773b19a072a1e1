/** A run with nothing to do: it opens nothing, and it looks at all that a run would look at. */
import { realpathSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AuditFolder, agentProgram, auditFolder, calls, root, setFailures } from "../rig/small-audit.js";

/** An hour later, so that the run itself can have changed none of its inputs. Tells which files the program reads. */
const hook = `
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
const real = Date.now;
Date.now = () => real() + 3_600_000;
const note = (path) => { if (typeof path === "string") fs.writeSync(log, path + "\\n"); };
const log = fs.openSync(process.env.READ_LOG, "a");
for (const [home, names] of [[fs, ["readFileSync", "openSync", "createReadStream", "readFile", "open"]], [fs.promises, ["readFile", "open"]]])
  for (const name of names) {
    const original = home[name];
    home[name] = (path, ...rest) => (note(path), original(path, ...rest));
  }
syncBuiltinESMExports();
`;

/** The warehouse is dbt's, so that its profile is an input too. */
const profile = `small:
  outputs:
    default:
      type: duckdb
      path: "{{ env_var('SMALL_DATABASE', '../small.duckdb') }}"
`;

let audit: AuditFolder;
const env: Record<string, string> = {};
const reads = async (): Promise<string[]> => (await readFile(join(audit.folder, "reads.log"), "utf8")).split("\n");
const runs = (): Promise<string[]> => readdir(join(audit.folder, ".audit/runs"));

beforeAll(async () => {
  audit = await auditFolder(env);
  const hookFile = join(audit.folder, "hook.mjs");
  await writeFile(hookFile, hook);
  Object.assign(env, { NODE_OPTIONS: `--import ${hookFile}`, READ_LOG: join(audit.folder, "reads.log") });
  await setFailures(audit, {
    late: [
      ["VA", 2],
      ["TX", 1],
    ],
  });
  await audit.write("project/dbt_project.yml", "name: small\nprofile: small\n");
  await audit.write("project/profiles.yml", profile);
});
afterAll(() => audit.remove());

describe("a run where nothing has changed", () => {
  test("says what the last one said, asks no agent and begins no run", async () => {
    await audit.configure({ warehouse: undefined, agent: await agentProgram(audit), failOn: ["needs_fix"] });
    const first = await audit.run();
    const second = await audit.run();
    expect(second.stderr).toContain("Nothing has changed since run");
    expect(second).toEqual({ ...first, stderr: second.stderr });
    expect(await runs()).toHaveLength(1);
    expect(await calls(audit)).toHaveLength(2);

    const json = JSON.parse((await audit.run("--json")).stdout);
    expect(json.exitCode).toBe(first.exitCode);
    expect(json.nodes.map(({ outcome }: { outcome: string }) => outcome)).toEqual(Array(7).fill("reused"));
  });

  test("lets explain tell what the long way tells", async () => {
    const short = await audit.run("explain", "late@VA");
    expect(short.stdout).toContain("late@VA: is used again: unchanged");
    await rm(join(audit.folder, ".audit/whole-trace.json"));
    expect(await audit.run("explain", "late@VA")).toEqual(short);
    expect((await audit.run()).stderr).not.toContain("Nothing has changed");
  });

  test("looks at every file of the outside that a run reads", async () => {
    await rm(join(audit.folder, ".audit/whole-trace.json"));
    await writeFile(join(audit.folder, "reads.log"), "");
    expect((await audit.run()).stderr).not.toContain("Nothing has changed");
    const { inputs } = JSON.parse((await audit.read(".audit/whole-trace.json")).split("\n")[0] ?? "");
    const own = [
      realpathSync(join(root, "node_modules")),
      join(root, "dist"),
      join(root, "package.json"),
      join(audit.folder, ".audit"),
      "/proc",
      "/sys",
      "/etc",
    ];
    const outside = (await reads()).filter(
      (path) => path !== "" && !own.some((one) => path.startsWith(one + sep) || path === one),
    );
    expect(outside).toContain(join(audit.folder, "audit.config.yaml"));
    expect(outside).toContain(join(audit.folder, "project/target/manifest.json"));
    expect(outside).toContain(join(audit.folder, "project/profiles.yml"));
    expect(outside.filter((path) => !(path in inputs))).toEqual([]);
  });

  test("is no such run once dbt's profile, or a variable of it, is another one", async () => {
    await mkdir(join(audit.folder, "other"));
    await copyFile(join(audit.folder, "small.duckdb"), join(audit.folder, "other/small.duckdb"));
    const unchanged = async () => (await audit.run()).stderr.includes("Nothing has changed");
    expect(await unchanged()).toBe(true);
    env.SMALL_DATABASE = "../other/small.duckdb";
    expect(await unchanged()).toBe(false);
    await audit.write("project/profiles.yml", `# another one\n${profile}`);
    expect(await unchanged()).toBe(false);
    delete env.SMALL_DATABASE;
  });

  test("is no such run once a test result has changed", async () => {
    await setFailures(audit, {
      late: [
        ["VA", 3],
        ["TX", 1],
      ],
    });
    const after = await audit.run();
    expect(after.stderr).not.toContain("Nothing has changed");
    expect((await calls(audit)).filter((line) => line.startsWith("VA"))).toHaveLength(2);
  });
});
