/**
 * Whether a text is one SELECT, by its words alone: the last door before the server, behind the gate that parses. What the
 * driver itself would act on (PUT, GET) does not pass either. Knows no parser.
 */
import { failed, type Result } from "../../model/result.js";

/** Null where it may go on. */
export function singleSelect(sql: string): Result<never> | null {
  const { first, isSingle } = scan(sql);
  if (first === null) return refused("it holds no statement");
  if (!isSingle) return refused("it holds more than one statement");
  if (/^(select|with)$/i.test(first)) return null;
  if (verbs.test(first)) return refused(`it begins with ${first.toUpperCase()}`);
  return failed("query-failed", `no statement of Snowflake's begins with '${first}'`);
}

/** What may begin a statement that is no SELECT; any other word is a slip. */
const verbs =
  /^(alter|begin|call|comment|commit|copy|create|declare|delete|desc|describe|drop|execute|explain|for|from|get|grant|if|insert|let|list|ls|merge|put|remove|return|revoke|rm|rollback|savepoint|set|show|start|table|truncate|undrop|unset|update|upsert|use|values|while)$/i;

function refused(reason: string): Result<never> {
  return failed("query-refused", `the query is refused: ${reason}`, {
    hint: "write exactly one SELECT (or WITH … SELECT) that reads tables and views",
  });
}

/** Comments and texts as Snowflake reads them: `//` begins a comment, a backslash escapes in '…', $$…$$ is a text. */
const token =
  /--[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|\$\$[\s\S]*?(?:\$\$|$)|[\p{L}_][\p{L}\p{N}_$]*|;|\s+|[\s\S]/gu;

function scan(sql: string): { readonly first: string | null; readonly isSingle: boolean } {
  let first: string | null = null;
  let ended = false;
  let isSingle = true;
  for (const [part] of sql.matchAll(token)) {
    if (/^(--|\/\/|\/\*|\s)/.test(part)) continue;
    if (part === ";") {
      ended = first !== null;
      continue;
    }
    if (ended) isSingle = false;
    if (first === null && part !== "(") first = part;
  }
  return { first, isSingle };
}
