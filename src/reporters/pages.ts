/**
 * How a report falls into pages (one for each task, and one for each group that has only accepted exceptions),
 * and how cases are counted. Knows no output format.
 */
import type { UnsplitTest } from "../model/case.js";
import type { CategoryConfig } from "../model/config.js";
import { digestOf, sha256 } from "../model/digest.js";
import { safeNames } from "../model/names.js";
import type { AuditReport, ReportedCase } from "../model/report.js";
import type { Task } from "../model/task.js";

export interface Page {
  /** Safe as a file name; the task's id, where there is a task. */
  readonly id: string;
  readonly title: string;
  readonly axis: Task["axis"];
  /** Never empty; sorted by group key, then test name. */
  readonly cases: readonly ReportedCase[];
}

/** All that a page is made of besides itself: its text has the same key as long as this and its cases are the same. */
export interface PageContext {
  readonly groupLabel: string;
  readonly categories: readonly CategoryConfig[];
  readonly retryCommand: string;
  readonly unsplit: readonly UnsplitTest[];
}

export function contextOf({ groupLabel, categories, retryCommand, export: { unsplit } }: AuditReport): PageContext {
  return { groupLabel, categories, retryCommand, unsplit };
}

/** Keys of pages: equal where the page and its context are. */
export function pageKeys(context: PageContext): (page: Page) => string {
  const shared = digestOf(context);
  return ({ id, title, axis, cases }) => key(JSON.stringify([shared, id, title, axis, cases.map(caseKey)]));
}

/** Equal where the cases are, but for what is of one run alone. */
export function caseKey(each: ReportedCase): string {
  let known = caseKeys.get(each);
  if (known === undefined) {
    known = key(JSON.stringify(lasting(each)));
    caseKeys.set(each, known);
  }
  return known;
}

const caseKeys = new WeakMap<ReportedCase, string>();

/** Without what is of one run alone: a page that says the same as before need not be written again. */
export function lasting({ report, ...each }: ReportedCase): object {
  if (report.status !== "found") return { ...each, report };
  const { reused, ...found } = report;
  return { ...each, report: found };
}

/** Half a digest tells two of them apart as well. */
function key(text: string): string {
  return sha256(text).slice(0, 32);
}

/** Excepted cases stand on the first page of their group (or test); cases outside of this run stand on none. */
export function pagesOf(report: AuditReport): readonly Page[] {
  const casesOf = new Map<string, ReportedCase[]>(report.tasks.map(({ id }) => [id, []]));
  const homeless: ReportedCase[] = [];
  const byTest = report.tasks.some(({ axis }) => axis === "test");
  const keyOf = ({ case: each }: ReportedCase): string => (byTest ? each.test.name : each.group.key);
  for (const each of report.cases) {
    if (each.report.status === "unasked") continue;
    const home = each.task ?? report.tasks.find((task) => takes(task, each))?.id;
    const shelf = home === undefined ? undefined : casesOf.get(home);
    if (shelf !== undefined) shelf.push(each);
    else homeless.push(each);
  }
  const pages = report.tasks.map(({ id, title, axis }): Page => ({ id, title, axis, cases: casesOf.get(id) ?? [] }));
  const byTitle = groupedBy(homeless, keyOf);
  const names = namesApartFrom(report.tasks, [...byTitle.keys()]);
  for (const [title, cases] of byTitle) {
    pages.push({ id: names.get(title) ?? title, title, axis: byTest ? "test" : "group", cases });
  }
  return pages.filter(({ cases }) => cases.length > 0).sort((left, right) => inOrder(left, right, keyOf));
}

function takes(task: Task, { case: each }: ReportedCase): boolean {
  return task.cases.some((other) =>
    task.axis === "test" ? other.test.id === each.test.id : other.group.key === each.group.key,
  );
}

/** Pages of balanced tasks keep their numbers' order and come first. */
function inOrder(left: Page, right: Page, keyOf: (each: ReportedCase) => string): number {
  if (left.axis === "mixed" || right.axis === "mixed")
    return Number(right.axis === "mixed") - Number(left.axis === "mixed");
  const [first, second] = [left, right].map(({ cases }) => (cases[0] === undefined ? "" : keyOf(cases[0])));
  return first === second ? 0 : (first ?? "") < (second ?? "") ? -1 : 1;
}

function namesApartFrom(tasks: readonly Task[], titles: readonly string[]): ReadonlyMap<string, string> {
  const taken = new Set(tasks.map(({ id }) => id.toLowerCase()));
  const names = new Map<string, string>();
  for (const [title, name] of safeNames(titles)) {
    let text = title;
    let free = name;
    while (taken.has(free.toLowerCase())) {
      text = `${text} (accepted)`;
      free = safeNames([text]).get(text) ?? text;
    }
    taken.add(free.toLowerCase());
    names.set(title, free);
  }
  return names;
}

/** How a case stands: a category's id, or one of the three that no category has. */
export function standingOf({ report }: ReportedCase, categories: readonly CategoryConfig[]): string {
  switch (report.status) {
    case "excepted":
      return exceptionCategory(categories);
    case "found":
      return report.finding.proposedException ? ":proposed" : report.finding.classification;
    default:
      return `:${report.status}`;
  }
}

export function exceptionCategory(categories: readonly CategoryConfig[]): string {
  return categories.find(({ role }) => role === "exception")?.id ?? "known_exception";
}

export interface Standing {
  readonly id: string;
  /** For people: `Known exceptions`. */
  readonly label: string;
  /** Null for what no category has. */
  readonly category: CategoryConfig | null;
  readonly cases: readonly ReportedCase[];
  readonly failures: number;
}

const withoutCategory: Readonly<Record<string, string>> = {
  ":proposed": "Proposed exceptions",
  ":validation-failed": "Validation failed",
  ":missing": "Missing",
  ":unasked": "Not asked for in this run",
};

/** What the cases come to, without what there is none of: categories in the config's order, then what has none. */
export function tally(cases: readonly ReportedCase[], categories: readonly CategoryConfig[]): readonly Standing[] {
  const byStanding = groupedBy(cases, (each) => standingOf(each, categories));
  const known = [...categories.map(({ id }) => id), ...Object.keys(withoutCategory)];
  return [...new Set([...known, ...byStanding.keys()])].flatMap((id) => {
    const found = byStanding.get(id);
    if (found === undefined) return [];
    const category = categories.find((each) => each.id === id) ?? null;
    return [
      { id, label: withoutCategory[id] ?? categoryLabel(id), category, cases: found, failures: failuresOf(found) },
    ];
  });
}

export function groupedBy<Item>(
  items: readonly Item[],
  key: (item: Item) => string,
): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

export function failuresOf(cases: readonly ReportedCase[]): number {
  return cases.reduce((sum, { case: each }) => sum + each.failures, 0);
}

export function distinct(cases: readonly ReportedCase[], key: (each: ReportedCase) => string): number {
  return new Set(cases.map(key)).size;
}

/** Only nouns that we know get a plural: `Known exceptions`, `Source data issues`, but `Needs fix`. */
const countable =
  /(?:exception|issue|bug|error|failure|problem|defect|fault|mistake|typo|gap|duplicate|outage|change)$/;

function categoryLabel(id: string): string {
  const words = id.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1) + (countable.test(words) ? "s" : "");
}

/** `State` → `states`; a label that is no plain English noun stays as it is. */
export function plural(label: string, amount: number): string {
  if (!/^[A-Z]?[a-z]+$/.test(label)) return label;
  const word = label.toLowerCase();
  if (amount === 1) return word;
  if (/[^aeiou]y$/.test(word)) return `${word.slice(0, -1)}ies`;
  return /(?:s|x|ch|sh)$/.test(word) ? `${word}es` : `${word}s`;
}
