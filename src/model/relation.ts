/** Names of relations as text, for maps and messages. Not for SQL: that is a dialect's work. */
import type { Relation } from "./project.js";

/** Key of a relation in maps; lower case, since dbt and the warehouses differ in it; parts cannot run into one another. */
export function relationKey(relation: Relation): string {
  return JSON.stringify([relation.database, relation.schema, relation.name]).toLowerCase();
}

/** For a person: `db.schema.name`. */
export function relationText(relation: Relation): string {
  return [relation.database, relation.schema, relation.name].filter((part) => part !== null).join(".");
}
