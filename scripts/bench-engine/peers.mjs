// The same shape for other tools: one root, N leaves, one that collects; each a copy of a small file. What is installed
// goes into a folder of the bench's own. Tools that start each task by `npm run` get a program of that name that
// only copies: npm's own start would be all that is seen.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { delimiter, join } from "node:path";

const places = availableParallelism();
const numbers = (count) => Array.from({ length: count }, (_, index) => index + 1);

/** Each: whether it is slow, or the slowest of all, how it is found (null: absent), how a folder is made, how it is started there. */
export const peers = [
  {
    name: "ninja",
    slow: false,
    find: (tools) => onPath("ninja") ?? fromPyPI(tools),
    make(folder, count) {
      const leaves = numbers(count);
      const text = [
        "rule copy\n  command = cp $in $out",
        "rule collect\n  command = touch $out",
        "build out/root: copy in/root",
        ...leaves.map((leaf) => `build out/${leaf}: copy in/${leaf} | out/root`),
        `build out/all: collect | ${leaves.map((leaf) => `out/${leaf}`).join(" ")}`,
        "default out/all\n",
      ];
      writeFileSync(join(folder, "build.ninja"), text.join("\n"));
    },
    command: (program) => ({ command: [program, "-j", String(places)] }),
  },
  {
    name: "make",
    slow: false,
    find: () => onPath("make"),
    make(folder, count) {
      const leaves = numbers(count);
      const text = [
        `out/all: ${leaves.map((leaf) => `out/${leaf}`).join(" ")}\n\t@touch $@`,
        "out/root: in/root\n\t@cp $< $@",
        ...leaves.map((leaf) => `out/${leaf}: in/${leaf} out/root\n\t@cp $< $@`),
      ];
      writeFileSync(join(folder, "Makefile"), `${text.join("\n")}\n`);
    },
    command: (program) => ({ command: [program, "-s", "-j", String(places)] }),
  },
  {
    name: "turbo",
    slow: true,
    find: (tools) => fromNpm(tools, ["turbo"], turboBinary),
    make(folder, count) {
      const leaves = numbers(count).map(String);
      const task = (id, dependsOn) => [id, { dependsOn, inputs: [`in/${id}`], outputs: [`out/${id}`] }];
      writeJson(folder, "turbo.json", {
        tasks: Object.fromEntries([task("root", []), ...leaves.map((id) => task(id, ["root"])), task("all", leaves)]),
      });
      const scripts = Object.fromEntries(["root", ...leaves, "all"].map((id) => [id, `cp in/${id} out/${id}`]));
      writeJson(folder, "package.json", { name: "bench", private: true, packageManager: "npm@10.9.0", scripts });
      writeJson(folder, "package-lock.json", {
        name: "bench",
        lockfileVersion: 3,
        packages: { "": { name: "bench" } },
      });
      copyingNpm(folder);
    },
    command: (program, folder) => ({
      command: [program, "run", "all", `--concurrency=${places}`, "--output-logs=none", "--no-update-notifier"],
      env: {
        ...homeIn(folder),
        TURBO_TELEMETRY_DISABLED: "1",
        PATH: `${join(folder, "bin")}${delimiter}${process.env.PATH}`,
      },
    }),
  },
  {
    name: "nx",
    slow: true,
    slowest: true,
    find: (tools) =>
      fromNpm(
        tools,
        ["nx"],
        (modules) => existing(join(modules, "nx/dist/bin/nx.js")) ?? existing(join(modules, "nx/bin/nx.js")),
      ),
    make(folder, count, program) {
      const leaves = numbers(count).map(String);
      const target = (id, dependsOn) => [
        id,
        {
          executor: "nx:run-commands",
          cache: true,
          dependsOn,
          inputs: [`{projectRoot}/in/${id}`],
          outputs: [`{projectRoot}/out/${id}`],
          options: { command: `cp in/${id} out/${id}` },
        },
      ];
      writeJson(folder, "nx.json", { analytics: false });
      writeJson(folder, "package.json", { name: "bench", private: true });
      writeJson(folder, "project.json", {
        name: "bench",
        root: ".",
        targets: Object.fromEntries([
          target("root", []),
          ...leaves.map((id) => target(id, ["root"])),
          target("all", leaves),
        ]),
      });
      symlinkSync(
        program.slice(0, program.indexOf("/nx/", program.indexOf("node_modules"))),
        join(folder, "node_modules"),
        "dir",
      );
    },
    command: (program, folder) => ({
      command: [process.execPath, program, "run", "bench:all", `--parallel=${places}`, "--outputStyle=static"],
      env: {
        ...homeIn(folder),
        NX_DAEMON: "false",
        NX_TUI: "false",
        NX_NO_CLOUD: "true",
        NX_WORKSPACE_ROOT_PATH: folder,
      },
    }),
  },
  {
    name: "wireit",
    slow: true,
    slowest: true,
    find: (tools) => fromNpm(tools, ["wireit"], (modules) => existing(join(modules, "wireit/bin/wireit.js"))),
    make(folder, count) {
      const leaves = numbers(count).map(String);
      const script = (id, dependencies) => [
        id,
        { command: `cp in/${id} out/${id}`, dependencies, files: [`in/${id}`], output: [`out/${id}`] },
      ];
      const wireit = Object.fromEntries([
        script("root", []),
        ...leaves.map((id) => script(id, ["root"])),
        script("all", leaves),
      ]);
      const scripts = Object.fromEntries(Object.keys(wireit).map((id) => [id, "wireit"]));
      writeJson(folder, "package.json", { name: "bench", private: true, scripts, wireit });
    },
    command: (program, folder) => ({
      command: [process.execPath, program],
      env: {
        ...homeIn(folder),
        WIREIT_PARALLEL: String(places),
        npm_lifecycle_event: "all",
        npm_package_json: join(folder, "package.json"),
        npm_config_user_agent: "npm/10.9.0",
      },
    }),
  },
];

/** Makes what all of them read. */
export function makeInputs(folder, count) {
  for (const name of ["in", "out", "home"]) mkdirSync(join(folder, name), { recursive: true });
  for (const id of ["root", "all", ...numbers(count)]) writeFileSync(join(folder, "in", String(id)), `input ${id}\n`);
}

function onPath(name) {
  const found = spawnSync("sh", ["-c", 'command -v -- "$1"', "sh", name], { encoding: "utf8" });
  return found.status === 0 ? found.stdout.trim() : null;
}

function fromPyPI(tools) {
  const folder = join(tools, "python");
  const made = spawnSync("python3", ["-m", "venv", folder]);
  if (made.status !== 0) return null;
  spawnSync(join(folder, "bin/pip"), ["install", "-q", "ninja"]);
  return existing(join(folder, "bin/ninja"));
}

function fromNpm(tools, packages, find) {
  const folder = join(tools, packages[0]);
  mkdirSync(folder, { recursive: true });
  writeJson(folder, "package.json", { name: "tools", private: true });
  const args = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", ...packages];
  spawnSync("npm", args, { cwd: folder, timeout: 120_000 });
  return find(join(folder, "node_modules"));
}

/** The native program rather than the one in JavaScript that starts it. */
function turboBinary(modules) {
  const scope = join(modules, "@turbo");
  const names = existsSync(scope) ? readdirSync(scope) : [];
  return names.map((name) => existing(join(scope, name, "bin/turbo"))).find((path) => path !== null) ?? null;
}

/** `npm run <id>` copies the file of that name. */
function copyingNpm(folder) {
  mkdirSync(join(folder, "bin"));
  const file = join(folder, "bin/npm");
  writeFileSync(file, '#!/bin/sh\n[ "$1" = run ] || exit 0\nexec cp "in/$2" "out/$2"\n');
  chmodSync(file, 0o755);
}

const homeIn = (folder) => ({ HOME: join(folder, "home"), XDG_CONFIG_HOME: join(folder, "home") });
const existing = (path) => (existsSync(path) ? path : null);
const writeJson = (folder, name, value) => writeFileSync(join(folder, name), `${JSON.stringify(value)}\n`);
