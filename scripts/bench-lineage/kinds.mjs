// The kinds of cases, and for each the candidates: faults with their truth, in an order of chance. Knows no database.
//
// The truth of a candidate: `node` (unique_id; what is blamed must be one of `nodes`), `role` of the category, and for code
// the place (file, lines, CTE). The reasoning by kind:
// - data faults: see data-faults.mjs. Which side of an orphan is wrong is known here, since one side was changed.
// - code faults: see code-faults.mjs.
// - stale-incremental: sources are right again, the incremental model's table is not, since its own filter lets corrections
//   of old rows pass it by. So that model is to be fixed (or refreshed in full): role `transformation`.
// - outdated-accepted-list: the data is as it always was and the list in the YAML file has lost a value. The tested model's
//   YAML is to be fixed: role `transformation`; the test itself may be blamed as well.
// - distractor: a fault as above, with dirt in the raw tables that staging filters away. The dirt is not to be blamed.
// - two-faults: two of the above in different nodes at once; both are to be named, each by the tests that it breaks.
// - flake: a data fault that was there when the tests ran, and is gone when the rows are looked at. Nothing is to be blamed.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { codeFaults } from "./code-faults.mjs";
import { dataFaults, lateRows } from "./data-faults.mjs";

export const kinds = [
  ...Object.keys(dataFaults),
  ...Object.keys(codeFaults),
  "stale-incremental",
  "outdated-accepted-list",
  "distractor",
  "two-faults",
  "flake",
];

/** Candidates are lists of faults that are planted together; `project` is a site's. */
export function* candidates(kind, site, random) {
  const { project, contents } = site;
  if (kind === "two-faults") return yield* pairs(site, random);
  if (kind === "flake") return yield* mixed(site, random, Object.keys(dataFaults));
  if (kind === "distractor") {
    if (project.settings.dirt.length === 0) return;
    for (const [fault] of mixed(site, random, singles)) {
      yield [{ ...fault, dirt: random.shuffle(project.settings.dirt).slice(0, random.between(2, 4)) }];
    }
    return;
  }
  if (kind === "stale-incremental") return yield* staleIncrementals(site, random);
  if (kind === "outdated-accepted-list") return yield* outdatedLists(site, random);
  if (dataFaults[kind] !== undefined) {
    for (const fault of dataFaults[kind](contents, random)) yield [{ ...fault, kind, role: roleOf(site, fault.node) }];
    return;
  }
  for (const fault of codeFaults[kind](project, random)) yield [{ ...fault, kind, role: "transformation" }];
}

const singles = [...Object.keys(dataFaults), ...Object.keys(codeFaults)];

/** One after another of these kinds, each with candidates of its own. */
function* mixed(site, random, of) {
  const running = new Map(of.map((kind) => [kind, candidates(kind, site, random)]));
  while (running.size > 0) {
    const kind = random.pick([...running.keys()]);
    const { value, done } = running.get(kind).next();
    if (done) running.delete(kind);
    else yield value;
  }
}

function* pairs(site, random) {
  const one = mixed(site, random, singles);
  for (;;) {
    const [first, second] = [one.next(), one.next()];
    if (first.done || second.done) return;
    if (first.value[0].node !== second.value[0].node) yield [...first.value, ...second.value];
  }
}

/** A seed is a file of the dbt project; what a repository of ours loads may be that repository's bug. */
function roleOf({ project }, node) {
  if (node.startsWith("seed.")) return "transformation";
  const source = project.manifest.sources[node].source_name;
  return project.settings.sourceRepos.some(({ loads }) => loads.includes(source)) ? "unclear" : "source";
}

function* staleIncrementals(site, random) {
  const { nodes } = site;
  const models = [...nodes.values()].filter((node) => node.config.materialized === "incremental");
  if (models.length === 0) return;
  const late = lateRows(site.contents, random);
  const wrong = mixed(site, random, ["source-null", "bad-category", "inconsistent-amount", "orphan-child"]);
  for (;;) {
    const model = random.pick(models);
    const above = ancestors(nodes, model.unique_id);
    const { data, node } = random.chance(0.3) ? late.next().value : wrong.next().value[0];
    if (!above.has(node)) continue;
    yield [
      { kind: "stale-incremental", node: model.unique_id, touches: node, data, stale: true, role: "transformation" },
    ];
  }
}

export function ancestors(nodes, id) {
  const found = new Set();
  const visit = (at) => {
    for (const parent of nodes.get(at)?.depends_on.nodes ?? []) {
      if (found.has(parent)) continue;
      found.add(parent);
      visit(parent);
    }
  };
  visit(id);
  return found;
}

function* outdatedLists({ tests, project, known }, random) {
  const all = tests
    .filter((test) => test.test_metadata?.name === "accepted_values")
    .flatMap((test) => test.test_metadata.kwargs.values.map((value) => ({ test, value })));
  for (const { test, value } of random.shuffle(all)) {
    const values = test.test_metadata.kwargs.values.filter((each) => each !== value);
    const compiled = test.compiled_code;
    const gone = [`'${value}',`, `,'${value}'`].find((text) => compiled.split(text).length === 2);
    const edit = listEdit(project, test, known.resources.get(test.attached_node).name, value);
    if (gone === undefined || edit === null) continue;
    yield [
      {
        kind: "outdated-accepted-list",
        node: test.attached_node,
        nodes: [test.attached_node, test.unique_id],
        role: "transformation",
        testEdit: {
          id: test.unique_id,
          kwargs: { ...known.resources.get(test.unique_id).test.kwargs, values },
          compiledCode: compiled.replace(gone, ""),
        },
        edit,
        place: { file: edit.file, lines: [edit.from + 1, edit.from + 1], cte: null },
      },
    ];
  }
}

/** The line of a YAML file with the list of a test, as an edit; null where it is not written on one line. */
function listEdit({ folder }, test, model, value) {
  const whole = test.test_metadata.kwargs.values;
  const lines = readFileSync(join(folder, test.original_file_path), "utf8").split("\n");
  let at = null;
  for (const [index, line] of lines.entries()) {
    at = /^ {2}- name: (\S+)/.exec(line)?.[1] ?? at;
    const listed = /\bvalues: \[([^\]]*)\]/.exec(line);
    const values = listed?.[1].split(",").map((item) => item.trim()) ?? [];
    if (at !== model || values.join() !== whole.join()) continue;
    const left = values.filter((item) => item !== value).join(", ");
    return { file: test.original_file_path, id: null, from: index, to: index, lines: [line.replace(listed[1], left)] };
  }
  return null;
}
