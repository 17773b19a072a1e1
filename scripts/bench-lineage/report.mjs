// The figures as tables, and one case in full. Pure.
import { table } from "../bench-engine/measure.mjs";

const percent = (part) => (part === null || part === undefined ? "-" : `${(part * 100).toFixed(1)} %`);
const number = (value) => (value === null ? "-" : value.toFixed(1));

export function report(result) {
  const { halves, byKind, byProject, byTest, baselines, proof } = result;
  const projects = Object.keys(byProject);
  const columns = [
    ["all", result],
    ["tuned half", halves.tuned],
    ["held-out half", halves.heldOut],
    ...projects.map((name) => [name, byProject[name]]),
  ].filter(([, figures]) => figures.cases > 0);
  const line = (name, of) => [name, ...columns.map(([, figures]) => of(figures))];
  const rows = [
    line("cases", (figures) => String(figures.cases)),
    line("node right", (figures) => percent(figures.nodeTop1)),
    line("category right", (figures) => percent(figures.categoryAccuracy)),
    line("category, macro-F1", (figures) => percent(figures.categoryMacroF1)),
    line("path right", (figures) => percent(figures.pathCorrect)),
    line("CTE right (code faults)", (figures) => percent(figures.cteRight)),
    line("lines right (code faults)", (figures) => percent(figures.linesRight)),
    line("coverage", (figures) => percent(figures.coverage)),
    line("decided and wrong", (figures) => percent(figures.wronglyDecided)),
    line("high: share", ({ byConfidence }) => percent(byConfidence.high.share)),
    line("high: node right", ({ byConfidence }) => percent(byConfidence.high.nodeRight)),
    line("medium: share", ({ byConfidence }) => percent(byConfidence.medium.share)),
    line("medium: node right", ({ byConfidence }) => percent(byConfidence.medium.nodeRight)),
    line("proved: share", (figures) => percent(figures.proved)),
    line("proved: right", (figures) => percent(figures.provedRight)),
    line("two faults: both named", (figures) => percent(figures.bothNamed)),
    line("flakes blamed", (figures) => percent(figures.flakesBlamed)),
    line("queries a test", (figures) => number(figures.queriesPerTest)),
    line("seconds a test", (figures) => figures.secondsPerTest?.toFixed(2) ?? "-"),
  ];
  const kindRows = Object.entries(byKind).map(([kind, figures]) => [
    kind,
    String(figures.cases),
    ...(kind === "two-faults"
      ? ["both", percent(figures.bothNamed), "", ""]
      : kind === "flake"
        ? ["blamed", percent(figures.flakesBlamed), "", ""]
        : [
            percent(figures.nodeTop1),
            percent(figures.categoryAccuracy),
            percent(figures.pathCorrect),
            percent(figures.coverage),
          ]),
  ]);
  const testRows = Object.entries(byTest).map(([name, each]) => [
    name,
    String(each.verdicts),
    percent(each.nodeTop1),
    percent(each.coverage),
  ]);
  const baselineRows = [
    ["the lineage agent", result],
    ["whole-table walk", baselines.wholeTable],
    ["the tested model", baselines.testedModel],
  ].map(([name, of]) => [name, percent(of.nodeTop1), percent(of.categoryAccuracy), percent(of.categoryMacroF1)]);
  return [
    `${result.cases} detectable cases (${result.singleFaults} of one fault), ${result.tests} failing tests, seed ${result.seed}; undecided counts as wrong`,
    table(["", ...columns.map(([name]) => name)], rows),
    table(["kind", "cases", "node", "category", "path", "coverage"], kindRows),
    table(["told by a test of", "verdicts", "node", "coverage"], testRows),
    table(["single faults", "node", "category", "macro-F1"], baselineRows),
    ...(proof === null
      ? []
      : [`${proof.equal} of ${proof.sample} sampled cases: equal to real dbt's build, row for row and test for test`]),
    `${result.seconds.toFixed(0)} s${result.unitsLeft > 0 ? `, interrupted: ${result.unitsLeft} kinds in projects are not done` : ""}`,
  ].join("\n\n");
}

export function caseText({ id, heldOut, faults, tests }) {
  const lines = [`${id}${heldOut ? " (held out: do not tune the code by it)" : ""}`];
  for (const fault of faults) {
    lines.push(
      `  truth: ${fault.node}, role ${fault.role} (${fault.kind}${fault.distracted ? ", with dirt that staging filters" : ""})`,
    );
    for (const sql of fault.data ?? []) lines.push(`    ${sql}`);
    if (fault.place)
      lines.push(`    ${fault.place.file}:${fault.place.lines.join("-")}, CTE ${fault.place.cte ?? "(last select)"}`);
    for (const text of fault.edit?.lines ?? []) lines.push(`    | ${text}`);
    if (fault.edit?.lines.length === 0) lines.push("    | (the line is gone)");
  }
  for (const test of tests) {
    lines.push(`  ${test.name} (${test.test}): ${test.queries} queries, ${test.seconds.toFixed(2)} s`);
    for (const [first, ...others] of alike(test.groups)) {
      const isRight = first.truth.some(({ nodes }) => nodes.includes(first.node));
      const groups = [first, ...others].map(({ group }) => group).join(" ");
      lines.push(
        `    ${isRight ? "right" : "WRONG"} ${groups}: ${first.outcome} ${first.situation} ${first.node ?? `- (as far as ${first.reached})`} (${first.confidence}, ${first.category})`,
        `      ${first.path.join(" > ")}`,
        ...(first.inside
          ? [
              `      lines ${first.inside.lines.first}-${first.inside.lines.last}, CTE ${first.inside.cte ?? "(last select)"}`,
            ]
          : []),
        `      ${first.reason}`,
      );
    }
    lines.push(`    whole-table walk: ${test.blamed.wholeTable}; tested model: ${test.blamed.testedModel}`);
  }
  return lines.join("\n");
}

/** Groups with the same answer, together. */
function alike(groups) {
  const byAnswer = new Map();
  for (const group of groups) byAnswer.set(answerOf(group), [...(byAnswer.get(answerOf(group)) ?? []), group]);
  return [...byAnswer.values()];
}

function answerOf({ outcome, node, situation, confidence, category, path, truth }) {
  return JSON.stringify([outcome, node, situation, confidence, category, path, truth]);
}
