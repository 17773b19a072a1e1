/**
 * Lines of a model's file: where a CTE, or something in it, stands in the SQL with its Jinja.
 * Knows no dbt but the outer form of its templates.
 */
import type { Dialect } from "../model/warehouse.js";
import { type Piece, piecesOf, type Stretch } from "./pieces.js";

export interface Lines {
  readonly first: number;
  readonly last: number;
}

/**
 * Lines of what `find` finds in the piece of that name, else of the whole piece. Null where the file without its Jinja is no
 * query that can be cut up, or has no such piece: then a macro wrote it.
 */
export function linesOf(
  rawCode: string,
  cte: string | null,
  find: (tokens: Piece["tokens"]) => Stretch | null,
  dialect: Dialect["name"],
): Lines | null {
  const pieces = piecesOf(withoutJinja(rawCode), dialect);
  const piece = pieces?.find((each) => each.name?.toLowerCase() === cte?.toLowerCase());
  if (piece === undefined) return null;
  const found = find(piece.tokens);
  const start = found === null ? piece.start : (piece.tokens[found.start]?.start ?? piece.start);
  const end = found === null ? piece.end : (piece.tokens[found.end]?.end ?? piece.end);
  return { first: lineAt(rawCode, start), last: lineAt(rawCode, end) };
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/** As long as before: comments and statements are blank, and a value is a name, that of the resource where it is a reference. */
function withoutJinja(text: string): string {
  return text.replaceAll(/\{#[\s\S]*?#\}|\{%[\s\S]*?%\}|\{\{[\s\S]*?\}\}/g, (jinja) => {
    const blank = jinja.replaceAll(/[^\n]/g, " ");
    if (!jinja.startsWith("{{") || /^\{\{-?\s*config\s*\(/.test(jinja)) return blank;
    const named = (/^\{\{-?\s*(?:ref|source)\s*\([^)]*?["']([^"']+)["']\s*(?:,\s*(?:v|version)\s*=[^)]*)?\)/.exec(
      jinja,
    ) ?? /^\{\{-?\s*(\w+)\s*-?\}\}$/.exec(jinja))?.[1];
    const name = named !== undefined && /^[A-Za-z_]\w*$/.test(named) && named.length <= jinja.length ? named : "jinja";
    return blank.startsWith(" ".repeat(name.length)) ? name + blank.slice(name.length) : blank;
  });
}
