/**
 * A verdict as a finding's draft: category by role, root cause and recommendation in prose, queries as evidence.
 * Pure. Knows the roles of categories and which repository loads which source; no agent and no disk.
 */
import { counted } from "../model/amount.js";
import type { Case } from "../model/case.js";
import type { CategoryConfig, CategoryRole, SourceRepoConfig } from "../model/config.js";
import type { EvidenceClaim, FindingDraft } from "../model/finding.js";
import type { Project, Resource } from "../model/project.js";
import type { Dialect } from "../model/warehouse.js";
import { groupPredicate } from "../sql/index.js";
import { lower, titleOf } from "./trail.js";
import { type Hop, type Inside, type Situation, undecided, type Verdict, type Walk } from "./verdict.js";

export interface Telling {
  readonly item: Case;
  readonly walk: Walk;
  readonly project: Project;
  readonly categories: readonly CategoryConfig[];
  readonly sourceRepos: readonly SourceRepoConfig[];
  readonly dialect: Dialect;
}

export interface Told {
  readonly draft: FindingDraft;
  /** The resource where the fault enters; null where that is undecided. */
  readonly blamed: Resource | null;
  /** Of a blamed model: lines of its SQL as the manifest has it. */
  readonly lines: Inside["lines"];
}

/** Null where the config has no category of the role that is called for. */
export function tell(telling: Telling): Told | null {
  const { item, project } = telling;
  const verdict = verdictOf(item, telling.walk);
  const node = verdict.node === null ? null : (project.resources.get(verdict.node) ?? null);
  const repos = loaders(node, telling.sourceRepos);
  const role = roleOf(verdict, repos.length > 0);
  const category = telling.categories.find((each) => each.role === role);
  if (category === undefined) return null;
  const evidence = evidenceOf(telling, verdict);
  const counted = verdict.path[0]?.seen ?? item.rows;
  const draft: FindingDraft = {
    test: item.test.name,
    group: item.group.key,
    classification: category.id,
    confidence: counted === item.rows ? verdict.confidence : lower(verdict.confidence, "medium"),
    root_cause: rootCause(telling, verdict, node, repos),
    recommendation: recommendation(role, verdict, node, repos),
    evidence: [...evidence],
    alternatives: [...verdict.alternatives].slice(0, 20),
  };
  return { draft, blamed: verdict.outcome === "decided" ? node : null, lines: verdict.inside?.lines ?? null };
}

/** The verdict for a case; where the walk saw no row of its group, that is said. */
export function verdictOf(item: Case, walk: Walk): Verdict {
  const key = walk.grouped && item.group.kind !== "null" ? item.group.value : null;
  const verdict = walk.verdicts.get(key);
  if (verdict !== undefined) return verdict;
  const reason =
    "no row of this group fails when the test's rule is asked of the relation now: it was fixed meanwhile, or the test sees other rows than its rule says";
  return undecided(reason);
}

/** Repositories that say they load the source; what is wrong there may be the extraction's doing. */
function loaders(node: Resource | null, repos: readonly SourceRepoConfig[]): readonly string[] {
  if (node === null || node.type !== "source" || node.sourceName === null) return [];
  const source = node.sourceName;
  return repos.filter((repo) => repo.loads.includes(source)).map((repo) => repo.name);
}

/** Never `exception`: what is known and accepted, only a person can say. */
function roleOf(verdict: Verdict, loaded: boolean): CategoryRole {
  if (verdict.outcome === "undecided" || verdict.confidence === "low") return "unclear";
  if (verdict.nodeKind !== "source") return "transformation";
  return loaded ? "unclear" : "source";
}

function rootCause(telling: Telling, verdict: Verdict, node: Resource | null, repos: readonly string[]): string {
  const { item, project } = telling;
  const first = verdict.path[0];
  const tested = first === undefined ? undefined : project.resources.get(first.resource);
  const parts: string[] = [];
  if (verdict.outcome === "undecided") parts.push(`Undecided: ${verdict.reason}.`);
  else parts.push(`${sentence(verdict.reason)}.`);
  if (verdict.inside !== null) parts.push(whereInside(verdict.inside));
  if (verdict.proof !== null)
    parts.push(`Proved: with ${verdict.proof.says}, and all else computed anew as it is, no row of this group fails.`);
  if (tested !== undefined && first !== undefined) {
    const title = titleOf(tested);
    const rows = `${counted(first.seen, `row of ${title} fails`, `rows of ${title} fail`)} ${item.test.name} in this group`;
    // Rows have changed since the test ran, or the test's own macro sees it otherwise than the rule here.
    parts.push(first.seen === item.rows ? `${rows}.` : `${rows} now; the test counted ${item.rows}.`);
  }
  if (verdict.path.length > 1)
    parts.push(`Followed upstream: ${verdict.path.map((hop) => step(hop, project)).join(" → ")}.`);
  if (verdict.outcome === "decided" && verdict.confidence === "low") {
    parts.push("The vote is too close, or the sides too alike, to be sure of it.");
  }
  if (repos.length > 0 && node !== null) {
    parts.push(
      `${titleOf(node)} is loaded by ${repos.join(", ")}, so this may be the extraction's bug and not the vendor's data.`,
    );
  }
  return parts.join(" ");
}

const constructs: Readonly<Record<NonNullable<Inside["expression"]>["kind"], string>> = {
  join: "the join",
  filter: "the condition",
  cast: "the cast",
  case: "the CASE",
  aggregate: "the aggregate",
  window: "the window",
  grouping: "the grouping",
  column: "the column",
};

/** `It happens in the CTE renamed, in the cast "try_cast(…) as amount".` */
function whereInside({ cte, expression }: Inside): string {
  const query = cte === null ? "its final query" : `its CTE ${cte}`;
  if (expression === null) return `Inside of it, that is in ${query}.`;
  const sql = expression.sql.replace(/\s+/g, " ");
  return `Inside of it, that is in ${query}: ${constructs[expression.kind]} \`${sql.length > 300 ? `${sql.slice(0, 299)}…` : sql}\`.`;
}

function step(hop: Hop, project: Project): string {
  const name = project.resources.get(hop.resource)?.name ?? hop.resource;
  const { column, value } = hop.shows;
  const what = column !== "failing" ? "found" : value === 1 ? "fails" : "fail";
  const counts = column === "distinct_keys" ? counted(value, "key") : `${value} of ${hop.seen} ${what}`;
  return `${name}.${hop.column} (${counts})`;
}

const advice: Readonly<Record<Situation, string>> = {
  "raw-data": "correct the rows there",
  "made-here":
    "look at the expression (cast, CASE, filter of a join) that makes the column, and cover the inputs that it does not",
  "keys-collapse": "keep what tells the keys apart (the cast or function loses it)",
  "fan-out": "complete the join's condition, or reduce the joined relation to one row a key first",
  "union-overlap": "decide which branch wins, and leave the key out of the other",
  "incomplete-dedupe": "let the dedupe cover these keys as well",
  "rows-dropped": "check the filter or join that leaves these rows out, or leave their referrers out as well",
  "key-changed": "make both sides of the reference treat the key alike",
  "join-never-matches": "bring both sides of the join into the same form",
  "wrong-join-key": "join by the parent's key",
  orphan: "supply the missing rows, or correct the references",
  "changed-sql": "take the change back, or correct it",
  "changed-test": "decide whether the test or the data is meant, and correct the other",
  stale: "build it anew in full, and let its filter take corrections of old rows",
  undecided: "",
};

function recommendation(role: CategoryRole, verdict: Verdict, node: Resource | null, repos: readonly string[]): string {
  const todo = advice[verdict.situation];
  const where = node === null ? "" : titleOf(node);
  if (role === "transformation") return `Create a ticket and fix ${where}: ${todo}.`;
  if (role === "source") return `Report to the data provider of ${where}: ${todo}.`;
  if (repos.length > 0) {
    return `Escalate: look first into ${repos.join(", ")}, which loads ${where}, and compare its output with what the vendor delivers; if the vendor's data are wrong, report them to the vendor.`;
  }
  if (verdict.outcome === "decided")
    return `Escalate: have someone confirm that the fault enters at ${where}; if so, ${todo}.`;
  const far = node === null ? "" : ` The rows could be followed as far as ${where}; start there.`;
  return `Escalate and gather more information: a person, or an agent that reads the code, must look at this case.${far}`;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Up to five queries: the failing rows, where the fault enters, what was right beside it, and the proof. */
function evidenceOf(telling: Telling, verdict: Verdict): readonly EvidenceClaim[] {
  const { item, walk, dialect } = telling;
  const own: EvidenceClaim = {
    title: `The test's failing rows in this group`,
    sql: `select count(*) as failing_rows from (\n${item.failingRows.sql}\n) as f where ${groupPredicate(dialect, item.failingRows.groupColumn, item.group)}`,
    value: item.rows,
  };
  const { path } = verdict;
  if (path.length === 0) return [own];
  const entering = path.findLastIndex((hop) => hop.resource === verdict.node);
  const chosen = new Set([0, entering === -1 ? 0 : entering, path.length - 2, path.length - 1]);
  const key = walk.grouped && item.group.kind !== "null" ? item.group.value : null;
  const where = key === null ? "w.group_key is null" : `w.group_key = ${dialect.literal(key)}`;
  const proof: EvidenceClaim[] =
    verdict.proof === null
      ? []
      : [
          {
            title: `With ${verdict.proof.says}, nothing fails here any more`.slice(0, 300),
            sql: verdict.proof.sql,
            value: 0,
          },
        ];
  const hops = [...chosen]
    .filter((index) => index >= 0)
    .sort((left, right) => left - right)
    .flatMap((index): EvidenceClaim[] => {
      const hop = path[index];
      if (hop === undefined) return [];
      const sql = `select w.${hop.shows.column} from (\n${hop.sql}\n) as w where ${where}`;
      return [{ title: hop.title.slice(0, 300), sql, value: hop.shows.value }];
    });
  return [...hops, ...proof];
}
