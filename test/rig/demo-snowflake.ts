/**
 * The demo in the stand-in for Snowflake, built by real dbt-snowflake: the raw tables as dot-sync loads them.
 * Knows no audit but its config.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { type AuditFolder, demoFolder, root } from "./small-audit.js";
import { type StandIn, startStandIn } from "./snowflake/stand-in.js";

const dbt = join(root, ".test-tools/snowflake/bin/dbt");

export interface SnowflakeDemo {
  readonly standIn: StandIn;
  /** The examples, and a config whose summary runs dbt's tests there; the models are built. */
  readonly audit: AuditFolder;
  remove(): Promise<void>;
}

/** `changes` are made to the config. The audit logs in by dbt's own profile. */
export async function demoInSnowflake(changes: Readonly<Record<string, unknown>> = {}): Promise<SnowflakeDemo> {
  // Given to the audit's program; the port is known only later.
  const login: Record<string, string> = {};
  const audit = await demoFolder(login);
  const file = join(audit.folder, "dot_bids.duckdb");
  const script = `import { loadRaw } from "./build/raw.mjs"; await loadRaw(${JSON.stringify(file)}, "data");`;
  const project = join(audit.folder, "examples/dot-bids");
  await must(process.execPath, ["--input-type=module", "-e", script], { cwd: project, env: process.env });
  const standIn = await startStandIn({ file, database: "DOT_BIDS" });
  const remove = async () => {
    await standIn.stop();
    await audit.remove();
  };
  try {
    Object.assign(login, {
      ...{
        SNOWFLAKE_ACCOUNT: "fakesnow",
        SNOWFLAKE_USER: "AUDITOR",
        SNOWFLAKE_PASSWORD: "snow",
        SNOWFLAKE_ROLE: "READER",
      },
      ...{ SNOWFLAKE_WAREHOUSE: "WH", SNOWFLAKE_HOST: "127.0.0.1", SNOWFLAKE_PORT: String(standIn.port) },
      ...{ SNOWFLAKE_PROTOCOL: "http", DO_NOT_TRACK: "1", DBT_SEND_ANONYMOUS_USAGE_STATS: "false" },
    });
    const { PATH, HOME } = process.env;
    const env = { PATH, HOME, ...login, DBT_PROFILES_DIR: project };
    await must(dbt, ["build", "--exclude-resource-type", "test", "--target", "snowflake"], { cwd: project, env });
    const config = parse(await audit.read("audit.config.yaml"));
    delete config.warehouse;
    config.repos.dbt.dbtTarget = "snowflake";
    config.summary = { run: [dbt, "test", "--target", "snowflake"] };
    await audit.write("audit.config.yaml", stringify({ ...config, ...changes }));
    return { standIn, audit, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Not spawnSync: the stand-in's own output has to be read meanwhile. */
async function must(program: string, args: readonly string[], options: object): Promise<void> {
  const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  }
  const status = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  if (status !== 0) throw new Error(`${program} ${args[0]} ended with ${status}: ${output}`);
}
