/**
 * What has changed since all was well: models and tests whose SQL is other than an earlier manifest had it, and relations that
 * hold other rows than their own SQL gives. Each is put back alone, in a trial: where nothing fails then, that is the cause, and
 * it is proved. Knows no rules of the walk; where history says nothing, the walk's verdict stays.
 */
import { counted } from "../model/amount.js";
import type { EarlierProject, Resource } from "../model/project.js";
import type { Cell, Dialect } from "../model/warehouse.js";
import { readTokens } from "../sql/gate/tokens.js";
import { bodyOf, readsItself, upstream } from "./recompute.js";
import { find } from "./shape.js";
import { titleOf } from "./trail.js";
import type { Failing, Trials } from "./trials.js";
import type { Inside, Verdict, Walk } from "./verdict.js";
import { isRaw, type Workspace } from "./workspace.js";

/** More changed models than these upstream of one test tell nothing of any one. */
const mostChanged = 12;

export async function withHistory(trials: Trials, walk: Walk, earlier: EarlierProject | null): Promise<Walk> {
  let so = await withStale(trials, walk);
  if (earlier === null) return so;
  so = await withChangedTest(trials, so, earlier);
  so = await withChangedModels(trials, so, earlier);
  return withUnchanged(trials, so, earlier);
}

/** Groups that still fail and that no trial has explained. */
function openGroups(walk: Walk): readonly Cell[] {
  return [...walk.verdicts].flatMap(([key, verdict]) => (verdict.proof === null ? [key] : []));
}

/** An incremental model that holds other rows than its SQL gives from all that it reads. */
async function withStale(trials: Trials, walk: Walk): Promise<Walk> {
  const { workspace } = trials;
  const stored = upstream(workspace, trials.targets).filter((resource) => resource.materialized === "incremental");
  let so = walk;
  for (const resource of stored) {
    const sql = bodyOf(resource);
    if (sql === null || readsItself(workspace, resource, sql)) continue;
    const after = await trials.failing(new Map([[resource.id, sql]]));
    so = settled(trials, so, after, await trials.failing(new Map()), resource, (failing) => ({
      situation: "stale",
      reason: `${titleOf(resource)} holds other rows than its SQL gives now from what it reads: of ${counted(failing, "failing row")}, none fails when it is built anew`,
      proof: `${resource.name} built anew from what it reads`,
      inside: null,
    }));
  }
  return so;
}

async function withChangedTest(trials: Trials, walk: Walk, earlier: EarlierProject): Promise<Walk> {
  const before = earlier.project.resources.get(trials.test.id);
  const tested = trials.subject?.tested ?? trials.targets[0];
  if (before === undefined || tested === undefined || !isChanged(trials.workspace.dialect, before, trials.test))
    return walk;
  const after = await trials.failing(new Map(), before);
  return settled(trials, walk, after, await trials.failing(new Map(), trials.test), tested, () => ({
    situation: "changed-test",
    reason: `the test was changed since ${earlier.says}, and ${titleOf(tested)} was not: as the test was, nothing fails`,
    proof: "the test as it was",
    inside: null,
  }));
}

async function withChangedModels(trials: Trials, walk: Walk, earlier: EarlierProject): Promise<Walk> {
  const changed = changedModels(trials, earlier);
  if (changed.length > mostChanged) return walk;
  let so = walk;
  for (const { resource, before } of changed) {
    const [sql, now] = [bodyOf(before), bodyOf(resource)];
    if (openGroups(so).length === 0 || sql === null || now === null) continue;
    const after = await trials.failing(new Map([[resource.id, sql]]));
    const control = await trials.failing(new Map([[resource.id, now]]));
    so = settled(trials, so, after, control, resource, () => ({
      situation: "changed-sql",
      reason: `${titleOf(resource)} was changed since ${earlier.says}: with its earlier SQL nothing fails here`,
      proof: `${resource.name} as it was`,
      inside: changedLines(before.rawCode, resource.rawCode),
    }));
  }
  return so;
}

/**
 * A model that is as it was when all was well is not what broke: it meets data that it did not meet then. Where the columns that
 * it makes wrong come from one source or seed, that is where to look; else the walk says no more than how far it came.
 */
async function withUnchanged(trials: Trials, walk: Walk, { project, says }: EarlierProject): Promise<Walk> {
  const { workspace } = trials;
  const verdicts = new Map<Cell, Verdict>();
  for (const [key, verdict] of walk.verdicts) {
    const model = verdict.nodeKind === "model" ? workspace.project.resources.get(verdict.node ?? "") : undefined;
    const before = model === undefined ? undefined : project.resources.get(model.id);
    const isHistory = ["changed-sql", "changed-test", "stale"].includes(verdict.situation);
    if (
      verdict.outcome !== "decided" ||
      isHistory ||
      model === undefined ||
      before === undefined ||
      isChanged(workspace.dialect, before, model)
    ) {
      verdicts.set(key, verdict);
      continue;
    }
    const origins = await rawOrigins(workspace, model, (verdict.column ?? "").split(", "));
    const [only, ...more] = [...new Set(origins.map(({ resource }) => resource))];
    const unchanged = `${titleOf(model)} is as it was in ${says}, so it meets data that it did not meet then`;
    const none = { inside: null, replace: null, proof: null };
    if (only === undefined || more.length > 0) {
      const names = [...new Set(origins.map(({ resource }) => titleOf(resource)))].join(", ");
      const reason = `${unchanged}${names === "" ? "" : `, in one of ${names}`}; the walk found: ${verdict.reason}`;
      verdicts.set(key, {
        ...verdict,
        ...none,
        outcome: "undecided",
        situation: "undecided",
        confidence: "low",
        reason,
      });
      continue;
    }
    const column = [...new Set(origins.map((origin) => origin.column))].join(", ");
    const reason = `${unchanged}, in ${titleOf(only)}.${column}; the walk found: ${verdict.reason}`;
    const nodeKind = only.type === "source" || only.type === "seed" ? only.type : null;
    verdicts.set(key, {
      ...verdict,
      ...none,
      situation: "raw-data",
      node: only.id,
      nodeKind,
      column,
      confidence: "medium",
      reason,
    });
  }
  return { ...walk, verdicts };
}

interface RawColumn {
  readonly resource: Resource;
  readonly column: string;
}

/** Columns of sources and seeds that a model's columns are made of; empty where the SQL does not show one of them. */
async function rawOrigins(
  workspace: Workspace,
  model: Resource,
  columns: readonly string[],
): Promise<readonly RawColumn[]> {
  const found = new Map<string, RawColumn>();
  const seen = new Set<string>();
  const open = columns.map((column) => ({ resource: model, column }));
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { resource, column } = place;
    const key = JSON.stringify([resource.id, column.toLowerCase()]);
    if (seen.has(key)) continue;
    seen.add(key);
    if (isRaw(resource)) {
      found.set(key, place);
      continue;
    }
    const read = await workspace.shape(resource);
    const origins = read.ok ? find(read.value.shape.columns, column)?.origins : undefined;
    if (!read.ok || origins === undefined) return [];
    for (const base of origins.flatMap((origin) => origin.columns)) {
      const parent = read.value.parents.get(base.instance);
      if (parent === undefined) return [];
      open.push({ resource: parent, column: base.column });
    }
  }
  return [...found.values()];
}

/** Models upstream whose SQL is other than it was, the nearest to the data first. */
export function changedModels(
  trials: Trials,
  { project }: EarlierProject,
): readonly { readonly resource: Resource; readonly before: Resource }[] {
  return upstream(trials.workspace, trials.targets).flatMap((resource) => {
    const before = project.resources.get(resource.id);
    return before !== undefined && isChanged(trials.workspace.dialect, before, resource) ? [{ resource, before }] : [];
  });
}

/** Other words, not other blanks or comments. */
function isChanged(dialect: Dialect, before: Resource, now: Resource): boolean {
  if (before.compiledCode === now.compiledCode || before.compiledCode === null || now.compiledCode === null)
    return false;
  return wordsOf(before.compiledCode, dialect) !== wordsOf(now.compiledCode, dialect);
}

function wordsOf(sql: string, dialect: Dialect): string {
  const read = readTokens(sql, dialect.name);
  return "tokens" in read ? read.tokens.map((token) => token.raw).join("\n") : sql;
}

/** The lines that differ, as lines of the file now; where lines only went, the one that follows. */
function changedLines(before: string, now: string): Inside | null {
  const [old, lines] = [before.split("\n"), now.split("\n")];
  let first = 0;
  while (first < lines.length && lines[first] === old[first]) first += 1;
  let same = 0;
  while (same < Math.min(lines.length, old.length) - first && lines.at(-1 - same) === old.at(-1 - same)) same += 1;
  if (first >= lines.length && first >= old.length) return null;
  const last = Math.max(first, lines.length - same - 1);
  return {
    cte: null,
    expression: null,
    lines: { first: Math.min(first + 1, lines.length), last: Math.min(last + 1, lines.length) },
  };
}

interface Told {
  readonly situation: Verdict["situation"];
  readonly reason: string;
  readonly proof: string;
  readonly inside: Inside | null;
}

/** Verdicts of the groups that fail as they are and not with the change. */
function settled(
  trials: Trials,
  walk: Walk,
  after: Failing | null,
  control: Failing | null,
  resource: Resource,
  tell: (failing: number) => Told,
): Walk {
  if (after === null || control === null) return walk;
  const verdicts = new Map(walk.verdicts);
  for (const key of openGroups(walk)) {
    const failing = trials.countOf(control, key);
    if (failing === 0 || trials.countOf(after, key) > 0) continue;
    const verdict = verdicts.get(key);
    if (verdict === undefined) continue;
    const { proof, ...told } = tell(failing);
    const kind = resource.type === "model" || resource.type === "snapshot" ? resource.type : null;
    verdicts.set(key, {
      ...verdict,
      ...told,
      // Where the walk had come to the same place, it knows more of it.
      inside: verdict.node === resource.id && verdict.inside !== null ? verdict.inside : told.inside,
      column: verdict.node === resource.id ? verdict.column : null,
      outcome: "decided",
      node: resource.id,
      nodeKind: kind,
      confidence: "high",
      path: pathTo(verdict, resource),
      proof: { sql: trials.evidence(after, key), says: proof },
    });
  }
  return { ...walk, verdicts };
}

/** What the walk saw on its way to the place; nothing beyond it. */
function pathTo(verdict: Verdict, resource: Resource): Verdict["path"] {
  const at = verdict.path.findLastIndex((hop) => hop.resource === resource.id);
  return at === -1 ? verdict.path.slice(0, 1) : verdict.path.slice(0, at + 1);
}
