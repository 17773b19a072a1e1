/**
 * What stands in the way before anything is asked: no virtual warehouse, relations that this role may not read, a role that
 * could write. Statements of our own only. Knows no session.
 */
import type { Relation } from "../../model/project.js";
import { relationText } from "../../model/relation.js";
import { ok, type Result } from "../../model/result.js";
import type { Cell, QueryResult, WarehouseNote } from "../../model/warehouse.js";
import { snowflake as dialect } from "../../sql/snowflake.js";
import type { Run } from "./snowflake-catalog.js";
import { grants } from "./snowflake-errors.js";

export interface PreflightInput {
  readonly run: Run;
  readonly relations: readonly Relation[];
  readonly secondaryRoles: "none" | "all";
  /** The same with all roles of the user; null where another login would ask a person. */
  readonly runWithAllRoles: Run | null;
}

export async function preflight(input: PreflightInput): Promise<Result<readonly WarehouseNote[]>> {
  const { run, secondaryRoles } = input;
  const who = await run("select current_user(), current_role(), current_warehouse(), current_secondary_roles()");
  if (!who.ok) return who;
  const [user, role, virtualWarehouse, secondary] = who.value.rows[0] ?? [];
  const roleName = role ?? "<role>";
  const notes: WarehouseNote[] = [];
  if (virtualWarehouse === null || virtualWarehouse === undefined) {
    notes.push({
      level: "problem",
      message: `role ${roleName} has no virtual warehouse to compute with`,
      hint: `set warehouse.virtualWarehouse, and GRANT USAGE ON WAREHOUSE … TO ROLE ${roleName};`,
    });
  }
  const unread = await unreadable(run, input.relations);
  if (!unread.ok) return unread;
  const others = secondaryRoles === "none" && unread.value.length > 0 ? input.runWithAllRoles : null;
  const lost = others === null ? null : await unreadable(others, unread.value);
  const lostForAll = new Set((lost?.ok === true ? lost.value : unread.value).map(relationText));
  for (const relation of unread.value) {
    const name = relationText(relation);
    const onlyByRole = lost?.ok === true && !lostForAll.has(name);
    notes.push({
      level: "problem",
      message: onlyByRole
        ? `${name} is lost under \`secondaryRoles: none\`: role ${roleName} alone may not read it, another role of ${user ?? "the user"} may`
        : `${name} does not exist, or role ${roleName} may not read it (Snowflake says the same for both)`,
      hint: onlyByRole ? `${grants(name, roleName)} or set \`secondaryRoles: all\`` : grants(name, roleName),
    });
  }
  notes.push(...(await writing(run, [roleName, ...(secondaryRoles === "all" ? secondaryNames(secondary) : [])])));
  const count = input.relations.length - unread.value.length;
  if (notes.length === 0) {
    const message = `${user} reads ${count} relations as role ${roleName} on virtual warehouse ${virtualWarehouse}, and can write nothing`;
    notes.push({ level: "ok", message, hint: null });
  }
  return ok(notes);
}

const atOnce = 50;

/** Compiling a SELECT takes the right to read and reads nothing. Many relations in one statement, one by one where it fails. */
async function unreadable(run: Run, relations: readonly Relation[]): Promise<Result<readonly Relation[]>> {
  const bad: Relation[] = [];
  const compile = (part: readonly Relation[]) =>
    run(part.map((relation) => `select 1 from ${dialect.relation(relation)}`).join("\nunion all\n"), {
      describeOnly: true,
    });
  for (let start = 0; start < relations.length; start += atOnce) {
    const part = relations.slice(start, start + atOnce);
    const together = await compile(part);
    if (together.ok) continue;
    if (!isOfRelations(together)) return together;
    const alone = await Promise.all(part.map(async (relation) => ({ relation, answer: await compile([relation]) })));
    for (const { relation, answer } of alone) {
      if (answer.ok) continue;
      if (!isOfRelations(answer)) return answer;
      bad.push(relation);
    }
  }
  return ok(bad);
}

function isOfRelations(result: Result<QueryResult>): boolean {
  return !result.ok && ["relation-missing", "grant-missing", "query-failed"].includes(result.failure.code);
}

/** Of `{"roles":"A,B","value":"ALL"}`. */
function secondaryNames(text: Cell | undefined): readonly string[] {
  const names = /"roles"\s*:\s*"([^"]*)"/.exec(text ?? "")?.[1] ?? "";
  return names.split(",").filter((name) => name !== "");
}

const writes =
  /^(OWNERSHIP|INSERT|UPDATE|DELETE|TRUNCATE|MODIFY|ALL|ALL PRIVILEGES|CREATE .*|MANAGE GRANTS|EXECUTE .*|EVOLVE SCHEMA)$/;
/** A role may have been granted to a role, and so on; beyond these the picture is clear enough. */
const mostRoles = 30;

/** What the roles, and those that they have inherited, may do besides reading. A role that may not be looked at is said to be so. */
async function writing(run: Run, roles: readonly string[]): Promise<readonly WarehouseNote[]> {
  const seen = new Set<string>();
  const open = [...roles];
  const can: string[] = [];
  for (let role = open.shift(); role !== undefined && seen.size < mostRoles; role = open.shift()) {
    if (seen.has(role)) continue;
    seen.add(role);
    const shown = await run(`show grants to role ${dialect.quote(role)}`, {
      maxRows: 10_000,
      maxBytes: 16 * 1024 * 1024,
    });
    if (!shown.ok) {
      const message = `whether role ${role} could write cannot be seen: ${shown.failure.message}`;
      return [{ level: "warning", message, hint: readOnlyRole }];
    }
    const index = (name: string) => shown.value.columns.findIndex((column) => column.name.toLowerCase() === name);
    const [privilege, kind, name] = [index("privilege"), index("granted_on"), index("name")];
    for (const row of shown.value.rows) {
      const right = (row[privilege] ?? "").toUpperCase();
      const on = (row[kind] ?? "").toUpperCase();
      if (on === "ROLE" && right === "USAGE") open.push(row[name] ?? "");
      else if (writes.test(right)) can.push(`${right} on ${on.toLowerCase()} ${row[name] ?? ""} (role ${role})`);
    }
  }
  if (can.length === 0) return [];
  const more = can.length > 3 ? `, and ${can.length - 3} more` : "";
  const message = `role ${roles[0]} could write: ${can.slice(0, 3).join(", ")}${more}. audit-run lets nothing but SELECT through; a role that cannot write is a second lock`;
  return [{ level: "warning", message, hint: readOnlyRole }];
}

const readOnlyRole = "docs/warehouses.md has the SQL that makes a role which may only read";
