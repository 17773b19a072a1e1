/**
 * Imposes a LIMIT on a query, in its own text, so that its order stays what it is: one more row than may be fetched, from
 * which the driver's cap can tell that there are more. Knows no driver.
 */
import { content, isNode } from "../tree.js";
import { type Objection, objection } from "./objection.js";
import { keyword } from "./statement.js";
import type { Token } from "./tokens.js";

const hint = "write LIMIT with a number at the end of the query, or none: the result is capped anyhow";

/** @param sql as long as the text from which the tokens come. @param most rows */
export function limited(sql: string, tokens: readonly Token[], tree: unknown, most: number): string | Objection {
  const inner = content(tree, "subquery");
  const [first, last] = [tokens[0], tokens.at(-1)];
  // `(select … limit 3)` takes no second LIMIT, so the outer parentheses go.
  if (inner !== null && first !== undefined && last !== undefined) {
    if (!isOnePair(tokens)) return objection("limit", last.raw, "more stands behind a query in parentheses", hint);
    return limited(blanked(blanked(sql, first), last), tokens.slice(1, -1), inner.this, most);
  }
  const top = outermost(tokens);
  const words = top.map(keyword);
  const at = Math.max(words.lastIndexOf("limit"), words.lastIndexOf("fetch"));
  const query = ["select", "union", "except", "intersect"]
    .map((kind) => content(tree, kind))
    .find((one) => one !== null);
  if (isNode(query?.top)) return limitedTop(sql, top, most);
  const isLimited = query !== undefined && [query.limit, query.fetch].some((one) => isNode(one));
  if (at < 0 && !isLimited) return `${sql}\nlimit ${most}`;
  // FETCH FIRST 10 ROWS ONLY.
  const place = words[at] === "fetch" && /^(first|next)$/.test(words[at + 1] ?? "") ? at + 2 : at + 1;
  const number = top[place];
  const after = words[place + 1] ?? null;
  const isPlain = at >= 0 && isLimited && number?.kind === "number" && /^\d+$/.test(number.raw);
  const goesOn = top.length > place + 1 && !/^(offset|row|rows|for)$/.test(after ?? "");
  if (!isPlain || goesOn || words.includes("ties")) {
    return objection("limit", words[at] ?? "limit", "its LIMIT is not a plain number", hint);
  }
  return Number(number.raw) <= most ? sql : `${sql.slice(0, number.start)}${most}${sql.slice(number.end)}`;
}

/** Snowflake: `select top 10 …`. */
function limitedTop(sql: string, top: readonly Token[], most: number): string | Objection {
  const number = top[top.findIndex((token) => keyword(token) === "top") + 1];
  if (number?.kind !== "number" || !/^\d+$/.test(number.raw)) {
    return objection("limit", "top", "its TOP is not a plain number", hint);
  }
  return Number(number.raw) <= most ? sql : `${sql.slice(0, number.start)}${most}${sql.slice(number.end)}`;
}

/** Whether the first token opens what the last one closes. */
function isOnePair(tokens: readonly Token[]): boolean {
  let depth = 0;
  return tokens.every(({ raw, kind }, index) => {
    if (kind === "sign") depth += raw === "(" ? 1 : raw === ")" ? -1 : 0;
    return depth > 0 || (depth === 0 && index === tokens.length - 1);
  });
}

function blanked(sql: string, { start, end }: Token): string {
  return `${sql.slice(0, start)} ${sql.slice(end)}`;
}

/** Tokens outside of all parentheses. */
function outermost(tokens: readonly Token[]): readonly Token[] {
  let depth = 0;
  return tokens.filter(({ raw, kind }) => {
    if (kind === "sign" && /^[([{]$/.test(raw)) depth += 1;
    const isOutside = depth === 0;
    if (kind === "sign" && /^[)\]}]$/.test(raw)) depth -= 1;
    return isOutside;
  });
}
