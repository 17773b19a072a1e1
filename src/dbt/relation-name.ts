/**
 * Reads names of relations as dbt and people write them: `"db"."schema"."name"`, `DB.SCHEMA.NAME`, `` `p`.`d`.`t` ``.
 * Knows no catalog.
 */
import type { Relation } from "../model/project.js";

/** How a warehouse stores a name that is not quoted. */
function fold(name: string, adapter: string): string {
  if (adapter === "snowflake") return name.toUpperCase();
  if (adapter === "postgres" || adapter === "redshift") return name.toLowerCase();
  return name;
}

/** Null where the text is no name of one to three parts. */
export function parseRelation(text: string, adapter: string): Relation | null {
  const parts: string[] = [];
  // A quoted part may hold dots and doubled quotes.
  const part = /\s*(?:"((?:[^"]|"")+)"|`([^`]+)`|\[([^\]]+)\]|([^".`[\]\s]+))\s*(\.|$)/y;
  for (;;) {
    const match = part.exec(text);
    if (match === null) return null;
    const [, double, backtick, bracket, plain, end] = match;
    parts.push(double?.replaceAll('""', '"') ?? backtick ?? bracket ?? fold(plain ?? "", adapter));
    if (end === "") break;
  }
  const [name, schema, database, ...rest] = parts.reverse();
  if (name === undefined || rest.length > 0) return null;
  return { database: database ?? null, schema: schema ?? null, name };
}

/** A relation from manifest fields, for artifacts without relation_name. */
export function foldedRelation(
  parts: { database: string | null; schema: string | null; name: string },
  adapter: string,
): Relation {
  const folded = (text: string | null) => (text === null ? null : fold(text, adapter));
  return { database: folded(parts.database), schema: folded(parts.schema), name: fold(parts.name, adapter) };
}
