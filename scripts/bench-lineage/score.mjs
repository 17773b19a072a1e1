// From cases with their truth and verdicts to figures. A case counts once, however many tests and groups tell of it: the
// verdicts of a test's groups are averaged, then the tests of a case, then the cases. Pure.

const categories = { transformation: "needs_fix", source: "source_data_issue", unclear: "needs_investigation" };
const isSingle = ({ kind }) => kind !== "two-faults" && kind !== "flake";

/** @param graphs project → {parents: id → ids, tests: id → ids that it reads}. */
export function score(cases, graphs) {
  const judged = cases.map((item) => judge(item, graphs.get(item.project)));
  return {
    ...figures(judged),
    halves: {
      tuned: figures(judged.filter(({ item }) => !item.heldOut)),
      heldOut: figures(judged.filter(({ item }) => item.heldOut)),
    },
    byKind: grouped(judged, ({ item }) => item.kind),
    byProject: grouped(judged, ({ item }) => item.project),
    byTest: byTest(judged),
    baselines: {
      wholeTable: accuracy(
        judged.filter(({ item }) => isSingle(item)),
        (verdict) => verdict.wholeTable,
      ),
      testedModel: accuracy(
        judged.filter(({ item }) => isSingle(item)),
        (verdict) => verdict.testedModel,
      ),
    },
  };
}

/** The case with each of its verdicts judged, and weighted so that all of a case make one. */
export function judge(item, graph) {
  const verdicts = item.tests.flatMap((test) =>
    test.groups.map((group) => {
      const isDecided = group.outcome !== "undecided" && group.node !== null;
      const truth = group.truth;
      const named = isDecided ? truth.find(({ nodes }) => nodes.includes(group.node)) : undefined;
      const expected = (named ?? truth[0])?.role;
      return {
        ...judgement(group.node, isDecided ? group.category : "undecided", named, expected),
        weight: 1 / item.tests.length / test.groups.length,
        test,
        group,
        isDecided,
        isCovered: isDecided && group.confidence !== "low",
        hasPlace: truth.some(({ place }) => place),
        linesRight: named?.place != null && areLines(group.inside, named.place),
        cteRight: named?.place != null && group.inside !== null && group.inside.cte === named.place.cte,
        pathRight: named !== undefined && isPath(graph, test.id, group.path, group.node, named.nodes[0]),
        wholeTable: blame(test.blamed.wholeTable, truth, graph),
        testedModel: blame(test.blamed.testedModel, truth, graph),
      };
    }),
  );
  return { item, verdicts };
}

function judgement(node, category, named, role) {
  const expected = categories[role] ?? null;
  return {
    node,
    category,
    expected,
    nodeRight: named !== undefined,
    categoryRight: expected !== null && category === expected,
  };
}

/** What a baseline says: a node, and the category by what kind of node it is. */
function blame(node, truth, graph) {
  const named = truth.find(({ nodes }) => nodes.includes(node));
  const role = node === null ? null : graph.roleOf(node);
  return judgement(node, categories[role] ?? "undecided", named, (named ?? truth[0])?.role);
}

function figures(judged) {
  const singles = judged.filter(({ item }) => isSingle(item));
  const pairs = judged.filter(({ item }) => item.kind === "two-faults");
  const flakes = judged.filter(({ item }) => item.kind === "flake");
  const tests = judged.flatMap(({ item }) => item.tests);
  const all = singles.flatMap(({ verdicts }) => verdicts);
  const share = (pick) => mean(singles, ({ verdicts }) => sum(verdicts, (each) => (pick(each) ? each.weight : 0)));
  const inCode = singles.filter(({ verdicts }) => verdicts.some(({ hasPlace }) => hasPlace));
  const placed = (pick) => mean(inCode, ({ verdicts }) => sum(verdicts, (each) => (pick(each) ? each.weight : 0)));
  const proved = judged.flatMap(({ verdicts }) => verdicts.filter(({ group }) => group.outcome === "proved"));
  return {
    cases: judged.length,
    singleFaults: singles.length,
    tests: tests.length,
    verdicts: all.length,
    ...accuracy(singles, (verdict) => verdict),
    pathCorrect: share(({ pathRight }) => pathRight),
    coverage: share(({ isCovered }) => isCovered),
    linesRight: placed((each) => each.linesRight),
    cteRight: placed((each) => each.cteRight),
    wronglyDecided: share(({ isCovered, nodeRight }) => isCovered && !nodeRight),
    byConfidence: Object.fromEntries(
      ["high", "medium", "low"].map((level) => [level, byLevel(all, singles.length, level)]),
    ),
    proved: mean(singles, ({ verdicts }) =>
      sum(verdicts, (each) => (each.group.outcome === "proved" ? each.weight : 0)),
    ),
    provedRight:
      proved.length === 0 ? null : mean(proved, ({ nodeRight, categoryRight }) => (nodeRight && categoryRight ? 1 : 0)),
    bothNamed: mean(pairs, (pair) => (areBothNamed(pair) ? 1 : 0)),
    flakesBlamed: mean(flakes, ({ verdicts }) => (verdicts.some(({ isDecided }) => isDecided) ? 1 : 0)),
    knownExceptions: judged.flatMap(({ verdicts }) => verdicts).filter(({ category }) => category === "known_exception")
      .length,
    queriesPerTest: mean(tests, ({ queries }) => queries),
    queriesPerTest95: percentile(
      tests.map(({ queries }) => queries),
      0.95,
    ),
    secondsPerTest: mean(tests, ({ seconds }) => seconds),
    secondsPerTest95: percentile(
      tests.map(({ seconds }) => seconds),
      0.95,
    ),
  };
}

function byLevel(verdicts, cases, level) {
  const own = verdicts.filter(({ isDecided, group }) => isDecided && group.confidence === level);
  const weight = sum(own, (each) => each.weight);
  if (weight === 0) return { share: 0, nodeRight: null, categoryRight: null };
  const right = (pick) => sum(own, (each) => (pick(each) ? each.weight : 0)) / weight;
  return {
    share: weight / cases,
    nodeRight: right(({ nodeRight }) => nodeRight),
    categoryRight: right(({ categoryRight }) => categoryRight),
  };
}

function accuracy(judged, pick) {
  const share = (of) => mean(judged, ({ verdicts }) => sum(verdicts, (each) => (of(pick(each)) ? each.weight : 0)));
  return {
    nodeTop1: share(({ nodeRight }) => nodeRight),
    categoryAccuracy: share(({ categoryRight }) => categoryRight),
    categoryMacroF1: macroF1(
      judged.flatMap(({ verdicts }) => verdicts.map((each) => ({ ...pick(each), weight: each.weight }))),
    ),
  };
}

/** Over the categories that are true of any case; undecided is a wrong answer. */
function macroF1(answers) {
  const classes = [...new Set(answers.map(({ expected }) => expected))].filter((each) => each !== null);
  return mean(classes, (name) => {
    const hit = sum(answers, ({ expected, category, weight }) => (expected === name && category === name ? weight : 0));
    const said = sum(answers, ({ category, weight }) => (category === name ? weight : 0));
    const is = sum(answers, ({ expected, weight }) => (expected === name ? weight : 0));
    return hit === 0 ? 0 : (2 * hit) / (said + is);
  });
}

function areBothNamed({ item, verdicts }) {
  const blamed = new Set(verdicts.flatMap(({ isDecided, node }) => (isDecided ? [node] : [])));
  return item.faults.every(({ node, nodes = [node] }) => nodes.some((each) => blamed.has(each)));
}

/**
 * The relations that the walk visited lead from the test to the fault through the project's graph without a gap. On the way
 * it may look at what those relations read, since a fault shows by what is right beside it. What the test itself names (the
 * tested relation, the one that it refers to) need not be visited to be known.
 */
function isPath({ parents, tests }, testId, path, blamed, truth) {
  const visited = new Set([...path, blamed]);
  const start = tests.get(testId) ?? [];
  const way = new Set([truth]);
  const closed = new Set();
  const reaches = (at) => {
    if (closed.has(at)) return way.has(at);
    closed.add(at);
    if (at !== truth && (parents.get(at) ?? []).map(reaches).some(Boolean)) way.add(at);
    return way.has(at);
  };
  for (const at of start) reaches(at);
  const beside = [...way, ...start].flatMap((at) => parents.get(at) ?? []);
  const allowed = new Set([...way, ...start, ...beside, testId]);
  if (![...visited].every((at) => allowed.has(at))) return false;
  const leads = (at) => at === truth || (parents.get(at) ?? []).some((parent) => visited.has(parent) && leads(parent));
  return start.some(leads);
}

/** The lines that are named hold the edited ones (or where the lines were that are gone), and are not half of the file. */
function areLines(inside, { lines: [first, last] }) {
  if (inside === null || inside.lines.last - inside.lines.first > 11) return false;
  return inside.lines.first <= last + 1 && inside.lines.last >= first - 1;
}

function grouped(judged, keyOf) {
  const keys = [...new Set(judged.map(keyOf))];
  return Object.fromEntries(keys.map((key) => [key, figures(judged.filter((each) => keyOf(each) === key))]));
}

/** By the kind of the test that told of the fault. */
function byTest(judged) {
  const all = judged.filter(({ item }) => isSingle(item)).flatMap(({ verdicts }) => verdicts);
  const names = [...new Set(all.map(({ test }) => test.test))].sort();
  return Object.fromEntries(
    names.map((name) => {
      const own = all.filter(({ test }) => test.test === name);
      const weight = sum(own, (each) => each.weight);
      const share = (pick) => sum(own, (each) => (pick(each) ? each.weight : 0)) / weight;
      return [
        name,
        {
          verdicts: own.length,
          nodeTop1: share(({ nodeRight }) => nodeRight),
          coverage: share(({ isCovered }) => isCovered),
        },
      ];
    }),
  );
}

const sum = (list, of) => list.reduce((total, each) => total + of(each), 0);
const mean = (list, of) => (list.length === 0 ? null : sum(list, of) / list.length);

function percentile(values, share) {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
}
