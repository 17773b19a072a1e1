/**
 * Inside a model that is blamed: the same walk, with the model taken apart into its CTEs, each a resource that reads others.
 * Where it ends at one of them, that is the query at fault, and the situation says which of its constructs to show.
 * Knows the rules' situations, no rule.
 */
import type { Project, Resource } from "../model/project.js";
import type { Cell, Dialect } from "../model/warehouse.js";
import { linesOf } from "./file-lines.js";
import { clauseOf, itemOf, joinOf, type Piece, piecesOf, type Stretch } from "./pieces.js";
import { ephemeralPrefix } from "./shape.js";
import type { Inside, Situation, Verdict, Walk } from "./verdict.js";
import type { Part } from "./workspace.js";

/** A model taken apart: what a walk is given to look inside of it. */
export interface Expanded {
  readonly project: Project;
  readonly parts: ReadonlyMap<string, Part>;
}

/** Models that verdicts blame and that can be looked into. */
export function blamedModels(walk: Walk, project: Project): readonly Resource[] {
  const ids = new Set(
    [...walk.verdicts.values()].flatMap((verdict) => (verdict.outcome === "decided" ? (verdict.node ?? []) : [])),
  );
  return [...ids].flatMap((id) => {
    const resource = project.resources.get(id);
    const isSql =
      resource !== undefined && ["model", "snapshot"].includes(resource.type) && resource.language === "sql";
    return isSql && resource.compiledCode !== null ? [resource] : [];
  });
}

/** The project with the model's CTEs as resources beside it; null where its SQL cannot be cut into them. */
export function expand(project: Project, model: Resource, dialect: Dialect): Expanded | null {
  const pieces = piecesOf(model.compiledCode ?? "", dialect.name);
  if (pieces === null || pieces.length < 2) return null;
  const resources = new Map(project.resources);
  const parts = new Map<string, Part>();
  const reads = new Map<string, Resource>();
  for (const piece of pieces) {
    // A CTE sees those before it.
    const part = { body: piece.body, reads: new Map(reads) };
    if (piece.name === null) {
      parts.set(model.id, part);
      continue;
    }
    // What dbt put in for an ephemeral model is that model.
    if (piece.name.toLowerCase().startsWith(ephemeralPrefix)) continue;
    const resource: Resource = {
      ...model,
      id: partId(model, piece),
      name: `${model.name} › ${piece.name}`,
      relation: null,
      materialized: "ephemeral",
      compiledCode: `${piece.head}\nselect * from ${dialect.quote(piece.name)}`,
    };
    resources.set(resource.id, resource);
    parts.set(resource.id, part);
    reads.set(piece.name.toLowerCase(), resource);
  }
  return { project: { ...project, resources }, parts };
}

function partId(model: Resource, piece: Piece): string {
  return piece.name === null ? model.id : `${model.id}#${piece.name.toLowerCase()}`;
}

/** The walk's verdicts, with what the walk through the model taken apart adds to those that blame it. */
export function withInside(
  walk: Walk,
  model: Resource,
  inner: Walk,
  { project, dialect }: { readonly project: Project; readonly dialect: Dialect },
): Walk {
  const pieces = piecesOf(model.compiledCode ?? "", dialect.name) ?? [];
  const verdicts = new Map<Cell, Verdict>();
  for (const [group, verdict] of walk.verdicts) {
    const found = verdict.node === model.id && verdict.outcome === "decided" ? inner.verdicts.get(group) : undefined;
    const piece = found?.outcome === "decided" ? pieces.find((each) => partId(model, each) === found.node) : undefined;
    verdicts.set(
      group,
      found === undefined || piece === undefined
        ? verdict
        : { ...verdict, inside: insideOf(model, piece, found, project, dialect) },
    );
  }
  return { ...walk, verdicts };
}

function insideOf(model: Resource, piece: Piece, verdict: Verdict, project: Project, dialect: Dialect): Inside {
  const columns = (verdict.column ?? "").split(", ");
  const last = verdict.path.at(-1)?.resource ?? "";
  const other = project.resources.get(last);
  const names = [other?.relation?.name, other?.name, last.split("#")[1], other?.name.split(" › ").at(-1)].filter(
    (name) => name !== undefined,
  );
  const find = (tokens: Piece["tokens"]) => construct(tokens, verdict.situation, columns, names);
  const stretch = find(piece.tokens)?.stretch;
  const kind = find(piece.tokens)?.kind;
  const [from, to] = stretch === undefined ? [] : [piece.tokens[stretch.start], piece.tokens[stretch.end]];
  const text = from === undefined || to === undefined ? null : (model.compiledCode ?? "").slice(from.start, to.end);
  const expression =
    from === undefined || to === undefined || text === null || kind === undefined
      ? null
      : {
          kind: kind === "column" ? kindOf(text) : kind,
          sql: text,
          at: { start: from.start, end: to.end },
        };
  const lines = linesOf(model.rawCode, piece.name, (tokens) => find(tokens)?.stretch ?? null, dialect.name);
  return { cte: piece.name, expression, lines };
}

type Found = { readonly kind: NonNullable<Inside["expression"]>["kind"]; readonly stretch: Stretch } | null;

/** What in a query the situation is about. */
function construct(
  tokens: Piece["tokens"],
  situation: Situation,
  columns: readonly string[],
  names: readonly string[],
): Found {
  const as = (kind: NonNullable<Found>["kind"], stretch: Stretch | null): Found =>
    stretch === null ? null : { kind, stretch };
  const item = () =>
    columns.map((column) => as("column", itemOf(tokens, column))).find((found) => found !== null) ?? null;
  const join = () => names.map((name) => as("join", joinOf(tokens, name))).find((found) => found !== null) ?? null;
  const filter = () =>
    as("filter", clauseOf(tokens, "qualify") ?? clauseOf(tokens, "where") ?? clauseOf(tokens, "having"));
  switch (situation) {
    case "fan-out":
    case "join-never-matches":
    case "wrong-join-key":
      return join();
    case "key-changed":
    case "orphan":
      return item() ?? join();
    case "rows-dropped":
      return filter() ?? join();
    case "incomplete-dedupe":
      return filter() ?? as("grouping", clauseOf(tokens, "group"));
    case "made-here":
    case "keys-collapse":
      return item();
    default:
      return null;
  }
}

function kindOf(sql: string): NonNullable<Inside["expression"]>["kind"] {
  if (/\bover\s*\(/i.test(sql)) return "window";
  if (/\bcase\b/i.test(sql)) return "case";
  if (/\b(try_)?cast\s*\(|::|\bto_(number|date|timestamp|decimal)\s*\(/i.test(sql)) return "cast";
  if (/\b(sum|count|min|max|avg|median|any_value|array_agg|listagg|string_agg)\s*\(/i.test(sql)) return "aggregate";
  return "column";
}
