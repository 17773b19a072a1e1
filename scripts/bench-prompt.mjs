// What an agent reads for each task of the demo, in bytes and estimated tokens: by our prompt and tools, and by a plain prompt
// that does the same work by raw SQL and files. docs/agents.md says what is counted. No model is asked.
// Usage: npm run bench:prompt [-- --json]
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve, sep } from "node:path";
import { parseArgs } from "node:util";
import { DuckDBInstance } from "@duckdb/node-api";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { plainPrompt } from "./bench-prompt/plain-prompt.mjs";
import { amountOf, report } from "./bench-prompt/report.mjs";

const root = resolve(import.meta.dirname, "..");
const cli = join(root, "dist", "cli.js");
const leftBehind = new Set([".audit", "target", "logs", "node_modules", ".data"]);
const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });

if (!existsSync(cli)) fail("dist/cli.js is missing: npm run build");
const folder = mkdtempSync(join(tmpdir(), "audit-run-bench-prompt-"));
try {
  for (const name of ["package.json", "audit.config.yaml", "examples"]) {
    const filter = (source) => !leftBehind.has(source.slice(source.lastIndexOf(sep) + 1));
    cpSync(join(root, name), join(folder, name), { recursive: true, filter });
  }
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "dir");
  auditRun("run", "export", "--progress", "silent");
  const tasks = JSON.parse(readFileSync(join(folder, ".audit/tasks.json"), "utf8")).tasks;
  const prompts = new Map(tasks.map(({ node }) => [node, JSON.parse(auditRun("prompt", node, "--json")).prompts[0]]));
  const project = openProject();
  const database = await openDatabase();
  const ours = await openTools(database);
  const plain = openPlain(database);
  const rows = [];
  for (const { node, state } of tasks) {
    const prompt = prompts.get(node);
    const cases = await Promise.all(prompt.cases.map((id) => ours.caseOf(id, project)));
    rows.push({
      task: node.slice("investigate:".length),
      cases: cases.length,
      ours: { prompt: amountOf(prompt.text), shared: prompt.sharedTokens, ...(await ours.read(cases)) },
      plain: { prompt: amountOf(plainPrompt(state, folder)), ...(await plain.read(cases, project)) },
    });
  }
  await ours.close();
  database.close();
  report(rows, values.json);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function auditRun(...args) {
  const env = { ...process.env, CI: "true", NO_COLOR: "1" };
  const options = { cwd: folder, encoding: "utf8", env, maxBuffer: 64 * 1024 * 1024 };
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], options);
  if (status !== 0) fail(`audit-run ${args.join(" ")} ended with ${status}:\n${stderr}`);
  return stdout;
}

/** What lies upstream of each test, from the manifest of the demo's own run. */
function openProject() {
  const manifest = JSON.parse(readFileSync(join(folder, ".audit/dbt-target/manifest.json"), "utf8"));
  const resources = { ...manifest.nodes, ...manifest.sources };
  const upstreamOf = (id, found = new Set()) => {
    for (const parent of resources[id]?.depends_on?.nodes ?? []) {
      if (!found.has(parent)) upstreamOf(parent, found.add(parent));
    }
    return [...found].map((each) => resources[each]).filter((each) => each !== undefined);
  };
  const tests = Object.values(resources).filter((each) => each.resource_type === "test");
  return { upstreamOf, testNamed: (name) => tests.find((each) => each.name === name) };
}

/** Ours: the tools over MCP, and each answer as the agent gets it. What is asked twice in a task is read once. */
async function openTools(database) {
  const client = new Client({ name: "bench", version: "1" });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [cli, "mcp"],
    cwd: folder,
    stderr: "ignore",
  });
  await client.connect(transport);
  const descriptions = JSON.stringify((await client.listTools()).tools) + (client.getInstructions() ?? "");
  const known = new Map();
  const call = async (name, input) => {
    const key = JSON.stringify([name, input]);
    if (!known.has(key)) {
      const { content } = await client.callTool({ name, arguments: input });
      known.set(key, content.map(({ text }) => text).join(""));
    }
    return [key, known.get(key)];
  };
  return {
    close: () => client.close(),
    async caseOf(id, project) {
      const at = id.lastIndexOf("@");
      const [test, group] = [id.slice(0, at), id.slice(at + 1)];
      const { verdict } = JSON.parse((await call("get_lineage", { test, group }))[1]);
      return { test, group, verdict, upstream: project.upstreamOf(project.testNamed(test).unique_id) };
    },
    /**
     * Where the verdict names a place: its model, and one of its queries once more. Elsewhere all that lies upstream, the files
     * from the checkout as by hand.
     */
    async read(cases) {
      const answers = new Map();
      const ask = async (name, input) => answers.set(...(await call(name, input)));
      for (const { test, group, verdict, upstream } of cases) {
        await ask("get_test_sql", { test });
        if (isDecided(verdict)) {
          for (const each of upstream.filter(({ name }) => isBlamed(name, verdict)))
            await ask("get_model_sql", { model: each.unique_id });
          await ask("run_sql", { sql: verdict.evidence.at(-1).sql });
          continue;
        }
        for (const each of upstream) {
          readInto(answers, each.original_file_path);
          const look = await database.lookAt(each, group);
          if (look !== null) await ask("run_sql", { sql: look });
        }
      }
      return { tools: amountOf(descriptions), answers: amountOf(...answers.values()), calls: answers.size };
    },
  };
}

function isDecided({ root_cause }) {
  return !root_cause.startsWith("Undecided");
}

/** The sentence that names the place stands first. */
function isBlamed(name, { root_cause }) {
  return new RegExp(`\\b${name}\\b`).test(root_cause.split(". ")[0]);
}

/** By hand: rows as CSV and files as they are, which is the least that a shell would print. */
function openPlain(database) {
  return {
    async read(cases, { testNamed }) {
      const answers = new Map();
      const query = async (sql) => answers.set(sql, await database.csv(sql));
      for (const { test, group, upstream } of cases) {
        const { relation_name: stored, original_file_path: path } = testNamed(test);
        const where = await database.where(stored, group);
        await query(`select count(*) from ${stored}${where}`);
        await query(`select * from ${stored}${where} limit 10`);
        readInto(answers, path);
        for (const each of upstream) {
          readInto(answers, each.original_file_path);
          const look = await database.lookAt(each, group);
          if (look !== null) await query(look);
        }
      }
      return { answers: amountOf(...answers.values()), calls: answers.size };
    },
  };
}

/** A file of the project; one of a package is not there. */
function readInto(answers, path) {
  const file = join(folder, "examples/dot-bids", path);
  if (existsSync(file)) answers.set(path, readFileSync(file, "utf8"));
}

async function openDatabase() {
  const file = join(folder, "examples/dot-bids/.data/dot_bids.duckdb");
  const instance = await DuckDBInstance.create(file, { access_mode: "READ_ONLY" });
  const connection = await instance.connect();
  const run = (sql) => connection.runAndReadAll(sql);
  const where = async (relation, group) => {
    const has = (await run(`select * from ${relation} limit 0`)).columnNames().includes("state");
    return has ? ` where state = '${group.replaceAll("'", "''")}'` : "";
  };
  return {
    where,
    /** Rows of one relation upstream; null where it is none. */
    async lookAt({ relation_name: relation, resource_type: type, config }, group) {
      if (!relation || type === "test" || config?.materialized === "ephemeral") return null;
      return `select * from ${relation}${await where(relation, group)} limit 10`;
    },
    async csv(sql) {
      const reader = await run(sql);
      const rows = [reader.columnNames(), ...reader.getRows().map((row) => row.map((cell) => String(cell ?? "")))];
      return rows.map((row) => row.join(",")).join("\n");
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

function fail(message) {
  console.error(`bench:prompt: ${message}`);
  process.exit(1);
}
