/**
 * The text of an audit.config.yaml out of what was found and chosen, with comments for what a person may want to change.
 * Pure; writes nothing.
 */
import { counted } from "../../model/amount.js";

export interface Choices {
  readonly name: string;
  readonly dbt: {
    /** Relative to the config, as all paths here. */
    readonly path: string;
    readonly dir: string;
    readonly command: string;
    readonly failuresSchema: string | null;
  };
  readonly sources: readonly { readonly path: string; readonly loads: readonly string[] }[];
  readonly summary:
    | { readonly kind: "artifacts"; readonly folder: string }
    | { readonly kind: "run"; readonly command: string };
  /** Null: none is likely, and a person has to say. */
  readonly groupBy: string | null;
  readonly agent: string;
  /** US dollars of one run; null for an agent that costs nothing. */
  readonly budget: number | null;
}

/** What only comments tell. */
export interface Remarks {
  /** `profile dot_bids, target demo (duckdb)`; null where dbt's profile could not be read. */
  readonly profile: string | null;
  /** Schemas of stored failures, as the manifest tells. */
  readonly failuresIn: readonly string[];
  readonly testCommand: string;
  readonly columns: readonly { readonly column: string; readonly tests: number; readonly values: number | null }[];
  readonly failing: number;
  readonly agents: readonly { readonly name: string; readonly version: string | null }[];
  readonly hasTmux: boolean;
  /** Paths of repositories beside this one that were not chosen. */
  readonly neighbours: readonly string[];
  readonly dbtSources: readonly string[];
}

export function configText(choices: Choices, remarks: Remarks): string {
  const blocks = [
    head(choices),
    repos(choices, remarks),
    warehouse(remarks),
    summary(choices, remarks),
    groupBy(choices, remarks),
    agent(choices, remarks),
    footer,
  ];
  return `${blocks.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function head({ name }: Choices): string[] {
  return [
    "# Written by `audit-run init`. `audit-run doctor` says whether all is there, `audit-run plan` what a run would do, and",
    "# `audit-run` does it. All settings: `audit-run schema`, and docs/config.md of audit-run.",
    "version: 1",
    `name: ${scalar(name)}`,
  ];
}

function repos({ dbt, sources }: Choices, { failuresIn, neighbours, dbtSources }: Remarks): string[] {
  const lines = ["repos:", "  dbt:", `    path: ${scalar(dbt.path)} # the root of its git repository`];
  if (dbt.dir !== ".") lines.push(`    dir: ${scalar(dbt.dir)} # the dbt project's folder in it`);
  if (dbt.command !== "dbt") lines.push(`    command: ${scalar(dbt.command)}`);
  if (dbt.failuresSchema !== null) {
    lines.push(
      `    failuresSchema: ${scalar(dbt.failuresSchema)} # by dbt's default naming; a manifest knows it for certain`,
    );
  } else if (failuresIn.length > 0) {
    lines.push(`    # Its manifest says where failures are stored: ${failuresIn.map(comment).join(", ")}.`);
  }
  const loads = dbtSources.slice(0, 8).map(comment).join(", ");
  if (sources.length > 0) {
    lines.push("  # Bad data of a source that one of these loads may be that code's bug.");
    lines.push("  sources:");
    for (const source of sources) {
      lines.push(`    - path: ${scalar(source.path)}`);
      if (source.loads.length > 0) lines.push(`      loads: [${source.loads.map(scalar).join(", ")}]`);
      else lines.push(`      # loads: [NAME] # which of dbt's sources: ${loads || "none is known"}`);
    }
    return lines;
  }
  lines.push("  # Code that loads dbt's sources: bad data of such a source may be that code's bug.");
  lines.push("  # sources:");
  for (const path of neighbours.length > 0 ? neighbours.slice(0, 8) : ["../my-extraction"]) {
    lines.push(`  #   - { path: ${comment(scalar(path))}, loads: [NAME] }`);
  }
  if (loads !== "") lines.push(`  # dbt's sources here: ${loads}`);
  return lines;
}

function warehouse({ profile }: Remarks): string[] {
  if (profile !== null) {
    return [
      `# The warehouse is the one of dbt's ${comment(profile)}. It is only ever read.`,
      "# warehouse: { use: duckdb, path: warehouse.duckdb } # another one; docs/warehouses.md shows each",
    ];
  }
  return [
    "# dbt's profile could not be read, so say here where the data is (docs/warehouses.md). It is only ever read.",
    "# warehouse: { use: duckdb, path: warehouse.duckdb }",
  ];
}

function summary({ summary: chosen }: Choices, { testCommand }: Remarks): string[] {
  if (chosen.kind === "artifacts") {
    return [
      "summary:",
      "  # The last test run's run_results.json and manifest.json: an audit takes what they say and runs no dbt.",
      `  artifacts: ${scalar(chosen.folder)}`,
      `  # Instead, to test anew at every audit:`,
      `  # run: ${comment(scalar(testCommand))}`,
    ];
  }
  return [
    "summary:",
    "  # Runs in the dbt project's folder, and leaves run_results.json in a folder of its own.",
    `  run: ${scalar(chosen.command)}`,
    "  # maxAge: 4h # a younger result is used again",
  ];
}

function groupBy({ groupBy: chosen }: Choices, { columns, failing }: Remarks): string[] {
  const said = columns.slice(0, 5).map(({ column, tests, values }) => {
    const counts = values === null ? "" : `, ${counted(values, "value")}`;
    return `#   ${comment(column)}: in ${tests} of ${counted(failing, "failing test")}${counts}`;
  });
  const about = said.length === 0 ? [] : ["# Columns that split the failing tests:", ...said];
  const none = chosen === null ? ["# No column was found that most failing tests share: say which one."] : [];
  return [...none, ...about, `groupBy: ${scalar(chosen ?? "state")}`];
}

function agent({ agent: chosen, budget }: Choices, { agents, hasTmux }: Remarks): string[] {
  const others = agents.filter(({ name }) => name !== chosen);
  const lines = [
    "agent:",
    `  use: ${scalar(chosen)}${chosen === "lineage" ? " # built in, needs no model: follows failing rows upstream" : ""}`,
  ];
  if (others.length > 0) {
    const names = others.map(({ name, version }) => (version === null ? name : `${name} (${version})`));
    lines.push(
      `  # Installed here: ${names.map(comment).join(", ")}; each costs money and needs a budget (docs/coding-agents.md).`,
    );
  }
  if (chosen !== "lineage" && hasTmux) lines.push("  # runner: tmux # to watch it: audit-run attach VA");
  lines.push(
    budget === null
      ? "# budget: 20 # US dollars for one run, for an agent that costs money"
      : `budget: ${budget} # US dollars for one run`,
  );
  return lines;
}

const footer = [
  "# strategy: per-test # an agent a test, over all groups; default: per-group",
  "# knowledge: { byGroup: { VA: Bond fees are no line items. } } # what an expert knows, for prompts",
  "# failOn: [needs_fix] # for CI: exit 1 where such findings are left",
];

/** Plain where YAML reads it as the same text, else in double quotes. */
function scalar(text: string): string {
  const isPlain = /^[A-Za-z_./~][\w./~ -]*$/.test(text) && text.trim() === text;
  return isPlain && !/^(true|false|null|yes|no|on|off|~)$/i.test(text) ? text : JSON.stringify(text);
}

/** On one line, whatever a name holds. */
function comment(text: string): string {
  return [...text]
    .map((char) => (char < " " || char === "\u2028" || char === "\u2029" || char === "\u0085" ? " " : char))
    .join("");
}
