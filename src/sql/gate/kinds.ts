/**
 * The parser's tree asked once more whether it writes: the words were asked already (statement.ts), and each of the two
 * alone should be enough. Knows the parser's names of what is not a query.
 */
import { isNode } from "../tree.js";
import { type Objection, objection } from "./objection.js";

/** What a statement may be. */
const roots = new Set(["select", "union", "except", "intersect", "subquery", "values"]);

/** Kinds of nodes, and fields of a query, that are no part of a mere question. */
const refusedKinds =
  /^(insert|update|delete|merge|copy|put|into|into_clause|locks|lock|locking_statement|command|raw|pragma|execute|prepare|attach|detach|install|kill|describe|show|summarize|truncate|truncate_table|transaction|commit|rollback|set_statement|call|use|cache|uncache|load_data|export|import|grant|revoke|declare|alter_session|analyze|refresh|stage_reference|session_parameter|parameter|placeholder|read_c_s_v|read_parquet|next_value_for|predict|m_l_.*|generate_embedding|vector_search|a_i_.*|to_file|open_j_s_o_n|try_catch|query_transform|conditional_insert|multitable_inserts|(create|drop|alter|undrop|rename)_.*|undrop|clone|user_defined_function)$/;

export function objectionToKinds(tree: unknown): Objection | null {
  const [root = ""] = isNode(tree) ? Object.keys(tree) : [];
  if (!roots.has(root)) return objection("not-a-query", root, "it is not read as a query");
  const open: unknown[] = [tree];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (Array.isArray(next)) {
      for (const item of next) if (item !== null) open.push(item);
      continue;
    }
    if (!isNode(next)) continue;
    for (const [key, item] of Object.entries(next)) {
      if (!holds(item)) continue;
      if (refusedKinds.test(key)) return objection("writes", key, `it holds ${key.replaceAll("_", " ").toUpperCase()}`);
      open.push(item);
    }
  }
  return null;
}

/** The tree has every field of a node, most of them empty. */
function holds(item: unknown): boolean {
  return typeof item === "object" && item !== null && (!Array.isArray(item) || item.length > 0);
}
