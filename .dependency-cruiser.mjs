// Who may import whom: the rooms of src/, the one home file of each heavy package, no cycles (types included).
// Data for scripts/check-imports.mjs, which also proves that dependency-cruiser saw every import.

/** Room → the other rooms that it may import. A file of src/ that no row names is a violation. */
const rooms = {
  model: [],
  graph: ["model"],
  findings: ["model"],
  sql: ["model"],
  lineage: ["model", "sql"],
  support: ["model"],
  dbt: ["model", "support"],
  config: ["model", "support"],
  reporters: ["model", "sql", "support"],
  mcp: ["model", "findings", "lineage", "sql", "support"],
  tasks: ["model", "findings", "lineage", "mcp", "sql", "dbt", "support"],
  execution: ["graph", "model", "support"],
};
const adapterKinds = ["warehouses", "agents", "slots", "runners"];

/** Package → the one file that may import it. `lazy`: only behind an `import()`, since it is slow to load. */
export const homes = {
  zx: { home: "support/shell", lazy: true },
  listr2: { home: "execution/listr", lazy: true },
  // One adapter, cut into duckdb.ts, duckdb-gate.ts and the like.
  "@duckdb/node-api": { home: "adapters/warehouses/duckdb[a-z-]*", lazy: true, many: true },
  pg: { home: "adapters/warehouses/postgres[a-z-]*", lazy: true, many: true },
  "pg-cursor": { home: "adapters/warehouses/postgres[a-z-]*", lazy: true, many: true },
  "snowflake-sdk": { home: "adapters/warehouses/snowflake[a-z-]*", lazy: true, many: true },
  "@modelcontextprotocol/sdk": { home: "mcp/protocol", lazy: true },
  "@polyglot-sql/sdk": { home: "sql/parser", lazy: true },
  "csv-stringify": { home: "reporters/csv", lazy: true },
  "@clack/prompts": { home: "commands/init-questions", lazy: true },
  commander: { home: "commands/program", lazy: true },
  yaml: { home: "config/yaml", lazy: false },
  "smol-toml": { home: "config/connections", lazy: true },
  "p-limit": { home: "execution/pools", lazy: false },
  picomatch: { home: "(support|tasks)/[^/]+", lazy: false },
  // Its schemas are the shapes themselves, so it is at home wherever data comes in.
  zod: { home: "(model|config|dbt|findings|adapters|tasks|mcp)/.+", lazy: false, many: true },
};

const escaped = (text) => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");
const room = (name) => `^src/${name}/`;
/** The program in one screen, and what it is made of. */
const audit = "^src/audit(\\.ts$|/)";
const forbid = (name, comment, from, to) => ({ name, severity: "error", comment, from, to });

const roomRules = Object.entries(rooms).map(([name, allowed]) =>
  forbid(
    `room-${name}`,
    `${name} imports of our own code only: ${[name, ...allowed].join(", ")}`,
    { path: room(name) },
    { path: "^src/", pathNot: [name, ...allowed].map(room) },
  ),
);

const adapterRules = adapterKinds.map((kind) =>
  forbid(
    `room-adapters-${kind}`,
    "an adapter imports model, sql, support and its own kind, never a sibling kind",
    { path: room(`adapters/${kind}`), pathNot: "^src/adapters/agents/lineage\\.ts$" },
    { path: "^src/", pathNot: ["model", "sql", "support", `adapters/${kind}`].map(room) },
  ),
);

const homeRules = Object.entries(homes).map(([name, { home }]) =>
  forbid(
    `home-${name}`,
    `${name} is imported in ${home} alone`,
    { path: "^src/", pathNot: `^src/${home}\\.ts$` },
    { path: `(^|/)node_modules/${escaped(name)}/` },
  ),
);

export const rules = {
  forbidden: [
    forbid("no-cycle", "no cycles, type imports included", {}, { circular: true }),
    forbid("no-dangling", "every import leads somewhere", {}, { couldNotResolve: true }),
    ...roomRules,
    ...adapterRules,
    forbid(
      "room-adapters-agents-lineage",
      "the agent `lineage` alone may also import lineage/",
      { path: "^src/adapters/agents/lineage\\.ts$" },
      { path: "^src/", pathNot: ["model", "sql", "support", "lineage", "adapters/agents"].map(room) },
    ),
    forbid(
      "room-cli",
      "cli.ts knows argv, signals and exit codes: it imports the version, commands, model and support",
      { path: "^src/cli\\.ts$" },
      { path: "^src/", pathNot: ["^src/version\\.ts$", ...["commands", "model", "support"].map(room)] },
    ),
    forbid("nobody-imports-cli", "cli.ts is the start", {}, { path: "^src/cli\\.ts$" }),
    forbid(
      "room-audit",
      "audit.ts and its folder are below the commands",
      { path: audit },
      { path: ["^src/commands/", "^src/cli\\.ts$"] },
    ),
    forbid(
      "only-the-top-knows-all",
      "audit.ts and commands import everything; nothing below imports them",
      { path: "^src/", pathNot: ["^src/cli\\.ts$", audit, "^src/commands/"] },
      { path: [audit, "^src/commands/"] },
    ),
    forbid(
      "pure-rooms",
      "model, graph and findings touch nothing of Node but crypto",
      { path: "^src/(model|graph|findings)/" },
      { dependencyTypes: ["core"], pathNot: "^(node:)?crypto$" },
    ),
    ...homeRules,
    forbid(
      "known-packages",
      "a package has its home in .dependency-cruiser.mjs",
      { path: "^src/" },
      { path: "(^|/)node_modules/", pathNot: Object.keys(homes).map((name) => `(^|/)node_modules/${escaped(name)}/`) },
    ),
  ],
};

/** Files of src/ that belong to a room, or are the top. */
export const knownFiles = new RegExp(
  `^src/((cli|audit|version)\\.ts|(commands|audit|${Object.keys(rooms).join("|")}|adapters/(${adapterKinds.join("|")}))/.+)$`,
);
