/**
 * The stand-in for Snowflake (stand_in.py), started for tests: one for all tests of a process, which ends with it. Knows no
 * adapter.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const python = fileURLToPath(new URL("../../../.test-tools/snowflake/bin/python", import.meta.url));
const program = fileURLToPath(new URL("stand_in.py", import.meta.url));

export interface StandIn {
  readonly port: number;
  /** Statements in Snowflake's SQL, run one by one by whoever owns everything; rows of the last, as Python writes them. */
  run(database: string, schema: string, statements: readonly string[]): Promise<readonly (readonly string[])[]>;
  /** What opens a database of it in audit.config.yaml, beside `use: snowflake`. */
  settings(database: string, schema: string): Record<string, unknown>;
  stop(): Promise<void>;
}

/** `raw`: a DuckDB file whose tables become those of the database, in upper case. */
export async function startStandIn(raw?: { readonly file: string; readonly database: string }): Promise<StandIn> {
  if (!existsSync(python)) throw new Error("no stand-in for Snowflake in .test-tools/snowflake; run npm test");
  const child = spawn(python, [program, ...(raw === undefined ? [] : [raw.file, raw.database])], {
    stdio: ["pipe", "pipe", "pipe"],
    // Nothing of this machine's: neither a login nor a proxy.
    env: { PATH: process.env.PATH, PYTHONWARNINGS: "ignore", PYTHONDONTWRITEBYTECODE: "1" },
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    log += text;
  });
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", (line) => resolve(Number(line)));
    child.once("error", reject).once("close", () => reject(new Error(`the stand-in for Snowflake ended: ${log}`)));
  });
  // It must not keep the tests' process, which it outlives by no moment: its standard input ends with it.
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as unknown as { unref(): void }).unref();
  return {
    port,
    async run(database, schema, statements) {
      const response = await fetch(`http://127.0.0.1:${port}/rig/run`, {
        method: "POST",
        body: JSON.stringify({ database, schema, statements }),
      });
      const answer = (await response.json()) as { rows?: string[][]; error?: string };
      if (answer.rows === undefined) throw new Error(answer.error ?? log);
      return answer.rows;
    },
    settings: (database, schema) => ({
      ...{ account: "fakesnow", user: "AUDITOR", password: "snow", role: "READER", virtualWarehouse: "WH" },
      ...{ host: "127.0.0.1", port, protocol: "http", database, schema },
    }),
    stop: () => ended(child),
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  const closed = new Promise((resolve) => child.once("exit", resolve));
  child.stdin?.end();
  await closed;
}

let shared: Promise<StandIn> | null = null;

/** Of this process; never stopped, since it ends with the process. */
export function sharedStandIn(): Promise<StandIn> {
  shared ??= startStandIn();
  return shared;
}
