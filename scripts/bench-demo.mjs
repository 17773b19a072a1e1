// Prints what the lineage agent says of each fault planted in the demo, beside what truth.yaml says it should say.
// A table to read, not a test to pass. No exceptions are accepted, so that the agent is asked about every fault.
// Usage: npm run bench:demo [-- --json] [-- --audit DIR]   (DIR: the folder of an audit of the demo that was run before)
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve, sep } from "node:path";
import { parseArgs } from "node:util";
import { parse } from "yaml";

const root = resolve(import.meta.dirname, "..");
const cli = join(root, "dist", "cli.js");
const leftBehind = new Set([".audit", "target", "logs", "node_modules", ".data"]);

const { values } = parseArgs({ options: { audit: { type: "string" }, json: { type: "boolean", default: false } } });
const { faults } = parse(readFileSync(join(root, "examples", "dot-bids", "truth.yaml"), "utf8"));

if (values.audit === undefined) {
  if (!existsSync(cli)) fail("dist/cli.js is missing: npm run build");
  const folder = copyOfDemo();
  try {
    const started = performance.now();
    audit(folder);
    const seconds = (performance.now() - started) / 1000;
    report(compare(findings(join(folder, ".audit"))), seconds);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
} else {
  report(compare(findings(resolve(values.audit))), null);
}

/** The demo without its exceptions file, beside a link to the packages that its scripts use. */
function copyOfDemo() {
  const copy = mkdtempSync(join(tmpdir(), "audit-run-bench-demo-"));
  for (const name of ["package.json", "audit.config.yaml", "examples"]) {
    const filter = (source) => !leftBehind.has(source.slice(source.lastIndexOf(sep) + 1));
    cpSync(join(root, name), join(copy, name), { recursive: true, filter });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "dir");
  return copy;
}

function audit(folder) {
  const args = [cli, "--config", join(folder, "audit.config.yaml")];
  const env = { ...process.env, CI: "true", NO_COLOR: "1" };
  const { status, error, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8", env });
  if (error !== undefined || status !== 0) fail(`the audit ended with ${error?.message ?? status}:\n${stderr}`);
}

/** `test@group` → what was found. */
function findings(auditFolder) {
  const folder = join(auditFolder, "results");
  if (!existsSync(folder)) fail(`there are no results in ${folder}`);
  const found = new Map();
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".json"))) {
    for (const { case: item, report } of JSON.parse(readFileSync(join(folder, name), "utf8")).cases) {
      const finding = report.status === "found" ? report.finding : null;
      found.set(`${item.test.name}@${item.group.key}`, {
        failures: item.failures,
        category: finding?.classification ?? report.status,
        node: finding?.locations.find((location) => location.resource !== undefined)?.resource ?? null,
        text: finding?.rootCause ?? "",
      });
    }
  }
  return found;
}

/** One row a fault and group: right or wrong against the lineage agent's part of the truth. */
function compare(found) {
  return faults.flatMap(({ id, test, groups, category, lineage }) =>
    Object.entries(groups).map(([group, failures]) => {
      const said = found.get(`${test}@${group}`) ?? { failures: 0, category: "missing", node: null, text: "" };
      return {
        fault: id,
        test,
        group,
        failures: { planted: failures, found: said.failures },
        category: { expert: category, expected: lineage.category, said: said.category },
        node: { expected: lineage.node, said: said.node },
        right: {
          failures: said.failures === failures,
          category: said.category === lineage.category,
          node: said.node === lineage.node,
          repo: lineage.repo === undefined || said.text.includes(lineage.repo),
          expert: said.category === category,
        },
      };
    }),
  );
}

function report(rows, seconds) {
  const share = (key) => rows.filter((row) => row.right[key]).length / rows.length;
  const overall = {
    cases: rows.length,
    faults: faults.length,
    counts: share("failures"),
    category: share("category"),
    node: share("node"),
    repo: share("repo"),
    expertCategory: share("expert"),
    seconds,
  };
  if (values.json) {
    console.log(JSON.stringify({ overall, cases: rows }, null, 2));
    return;
  }
  table(
    ["fault", "groups", "category said", "category expected", "node said", "node expected", "right"],
    faults.map(({ id }) => line(rows.filter((row) => row.fault === id))),
  );
  const percent = (part) => `${Math.round(part * 1000) / 10} %`;
  console.log(`
${overall.cases} cases of ${overall.faults} planted faults${seconds === null ? "" : `, audited in ${seconds.toFixed(1)} s`}
failures counted as planted            ${percent(overall.counts)}
category as the lineage agent should   ${percent(overall.category)}
node as the lineage agent should       ${percent(overall.node)}
repository named where it should be    ${percent(overall.repo)}
category as an expert would            ${percent(overall.expertCategory)}   (an expert knows more than data and SQL)`);
}

function line(rows) {
  const each = (pick) => [...new Set(rows.map((row) => pick(row) ?? "-"))].join(", ");
  const right = rows.filter(({ right }) => right.failures && right.category && right.node && right.repo).length;
  return [
    rows[0].fault,
    rows.map((row) => row.group).join(" "),
    each((row) => row.category.said),
    each((row) => row.category.expected),
    each((row) => row.node.said),
    each((row) => row.node.expected),
    `${right}/${rows.length}`,
  ];
}

function table(head, rows) {
  const widths = head.map((title, index) => Math.max(title.length, ...rows.map((row) => row[index].length)));
  for (const row of [head, widths.map((width) => "-".repeat(width)), ...rows]) {
    console.log(
      row
        .map((cell, index) => cell.padEnd(widths[index]))
        .join("  ")
        .trimEnd(),
    );
  }
}

function fail(message) {
  console.error(`bench:demo: ${message}`);
  process.exit(1);
}
