// Sets up what the tests need beside Node: git, tmux, openssl, strace (on Linux), Postgres' server, dbt with DuckDB in
// .test-tools/venv, dbt with a stand-in for Snowflake in .test-tools/snowflake, and the real programs of the agents in
// .test-tools/agents (all git-ignored).
// Does nothing where all is there. What it cannot set up it names, with the command, and ends with 1: no test is skipped.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const agents = join(root, ".test-tools/agents");

/**
 * npm's package of each agent's program, and where the program for this machine is in what it brings along. Pinned: without
 * a version npm takes an old claude on Node 20, whose `engines` want a later Node (the program itself wants none).
 */
const agentPackages = {
  claude: {
    package: "@anthropic-ai/claude-code",
    version: "2.1.330",
    path: /^@anthropic-ai\/claude-code-[^/]+\/claude$/,
  },
  codex: {
    package: "@openai/codex",
    version: "0.169.0",
    path: /^@openai\/codex-[^/]+\/vendor\/[^/]+\/(bin|codex)\/codex$/,
  },
  opencode: { package: "opencode-ai", version: "1.18.33", path: /^opencode-[^/]+\/bin\/opencode$/ },
};

/** Two folders of Python: what the tests of Snowflake need does not go together with the rest. */
const venvs = [
  {
    folder: ".test-tools/venv",
    requirements: "test/requirements.txt",
    python: [3, 10],
    alone: /^dbt-(core|duckdb|postgres)==/,
    imports: "dbt.cli.main, dbt.adapters.duckdb, dbt.adapters.postgres",
  },
  {
    folder: ".test-tools/snowflake",
    requirements: "test/requirements-snowflake.txt",
    python: [3, 11],
    alone: /^dbt-(core|snowflake)==/,
    imports: "dbt.cli.main, dbt.adapters.snowflake, fakesnow.server",
  },
];

try {
  ensurePrograms();
  ensurePostgres();
  venvs.forEach(ensureVenv);
  ensureAgents();
} catch (error) {
  console.error(`setup-test-parts: ${error.message}`);
  process.exitCode = 1;
}

function ensurePrograms() {
  const missing = [
    ["git", "--version"],
    ["tmux", "-V"],
    ["openssl", "version"],
    // The kill tests stop the program at its system calls; strace is Linux only, and so are they.
    ...(process.platform === "linux" ? [["strace", "-V"]] : []),
  ]
    .filter(([program, flag]) => run(program, [flag]).status !== 0)
    .map(([program]) => program);
  if (missing.length > 0) installPackages(missing, `${missing.join(" and ")} not found`);
}

/** The tests start it themselves, on 127.0.0.1; Debian keeps its programs off the PATH. */
function ensurePostgres() {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, "bin")) : [];
  const folders = [...versions, ...(process.env.PATH ?? "").split(delimiter)];
  if (folders.some((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")))) return;
  installPackages(["postgresql"], "no server of Postgres (initdb, postgres) found");
}

if (process.platform !== "linux") {
  console.error("setup-test-parts: the tests that kill the program at its system calls need Linux and are left out");
}

function ensureVenv({ folder, requirements, python, alone, imports }) {
  const venv = join(root, folder);
  const stamp = join(venv, "requirements.sha256");
  const wanted = readFileSync(join(root, requirements), "utf8");
  const digest = createHash("sha256").update(wanted).digest("hex");
  if (
    existsSync(stamp) &&
    readFileSync(stamp, "utf8") === digest &&
    run(join(venv, "bin/python"), ["-V"]).status === 0
  ) {
    return;
  }
  const version = python.join(".");
  if (!findPython(python))
    installPackages(["python3", "python3-venv"], `no Python ${version} or later with venv and ensurepip found`);
  const found = findPython(python);
  if (!found) throw new Error(`the system's Python is older than ${version}; install a later one, with venv`);
  console.error(`setup-test-parts: installing what ${requirements} lists into ${folder} (once, about a minute)`);
  rmSync(venv, { recursive: true, force: true });
  mkdirSync(dirname(venv), { recursive: true });
  must(found, ["-m", "venv", venv]);
  const pins = wanted.split("\n").filter((line) => /^[A-Za-z]/.test(line));
  const pip = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--no-input",
    "--disable-pip-version-check",
    "--only-binary",
    ":all:",
  ];
  const ofVenv = join(venv, "bin/python");
  must(ofVenv, [...pip, ...pins.filter((pin) => !alone.test(pin))]);
  must(ofVenv, [...pip, "--no-deps", ...pins.filter((pin) => alone.test(pin))]);
  must(ofVenv, ["-c", `import ${imports}`]);
  // Last: a half-made venv has no stamp and is made anew.
  writeFileSync(stamp, digest);
}

function ensureAgents() {
  const wanted = Object.values(agentPackages).map((each) => `${each.package}@${each.version}`);
  const done = join(agents, "installed.txt");
  const programs = Object.keys(agentPackages).map((name) => join(agents, "bin", name));
  const isDone = existsSync(done) && readFileSync(done, "utf8") === wanted.join("\n") && programs.every(existsSync);
  if (isDone) return;
  console.error("setup-test-parts: installing the programs of the agents into .test-tools/agents (once, about 1 GB)");
  rmSync(agents, { recursive: true, force: true });
  mkdirSync(join(agents, "bin"), { recursive: true });
  writeFileSync(join(agents, "package.json"), '{"private":true}\n');
  // Without the packages' scripts: they only copy the program that is there already.
  must("npm", [
    "install",
    "--prefix",
    agents,
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--save-exact",
    ...wanted,
  ]);
  const modules = join(agents, "node_modules");
  // Of several builds for one machine the one with the shortest name: the others are for older ones.
  const files = readdirSync(modules, { recursive: true })
    .map((file) => file.replaceAll("\\", "/"))
    .sort((left, right) => left.length - right.length);
  const env = { PATH: process.env.PATH, HOME: join(agents, "home") };
  const runs = (file) => spawnSync(join(modules, file), ["--version"], { env }).status === 0;
  for (const [name, { path }] of Object.entries(agentPackages)) {
    const file = files.find((each) => path.test(each) && runs(each));
    if (file === undefined) throw new Error(`no program of ${name} for this machine is in what npm installed`);
    symlinkSync(join("../node_modules", file), join(agents, "bin", name));
  }
  // Last: a half-made folder is made anew.
  writeFileSync(done, wanted.join("\n"));
}

/** A Python that can make a venv; on Debian ensurepip may be missing where python3-venv is not installed. */
function findPython(oldest) {
  const check = `import ensurepip, sys, venv; sys.exit(sys.version_info < (${oldest.join(", ")}))`;
  return ["python3.12", "python3.11", "python3.13", "python3.10", "python3"].find(
    (program) => run(program, ["-c", check]).status === 0,
  );
}

/** By apt, where this is root on a Debian. */
function installPackages(names, why) {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || run("apt-get", ["--version"]).status !== 0) {
    throw new Error(`${why}; install: ${names.join(" ")} (on Debian: sudo apt-get install ${names.join(" ")})`);
  }
  console.error(`setup-test-parts: ${why}; installing ${names.join(" ")} by apt-get`);
  must("apt-get", ["update", "-qq"]);
  must("apt-get", ["install", "--yes", "-qq", "--no-install-recommends", ...names]);
}

function must(program, args) {
  const { status, stdout, stderr, error } = run(program, args);
  if (status === 0) return;
  const tail = `${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}`.trim().split("\n").slice(-15).join("\n");
  throw new Error(`failed: ${program} ${args.slice(0, 6).join(" ")} …\n${tail}`);
}

function run(program, args) {
  return spawnSync(program, args, { encoding: "utf8", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
}
