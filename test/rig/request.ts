/** A request to an agent that asks for some cases (`test@group`) and whose doors are all closed. */
import type { InvestigationRequest } from "../../src/model/agent.js";
import { defaultCategories } from "../../src/model/config.js";
import { failed } from "../../src/model/result.js";
import { dialects } from "../../src/sql/index.js";
import { caseOf } from "./cases.js";

export function requestFor(ids: readonly string[], more: Partial<InvestigationRequest> = {}): InvestigationRequest {
  const cases = ids.map((id) => caseOf(id.split("@")[0] ?? "", id.split("@")[1] ?? ""));
  return {
    task: { id: "VA", title: "VA", axis: "group", cases },
    cases,
    prompt: "the prompt",
    followUp: null,
    round: 0,
    objections: [],
    evidenceDir: "/no/evidence",
    logDir: "/no/logs",
    checkouts: { dbt: "/no/dbt" },
    categories: defaultCategories,
    sourceRepos: [],
    dbtDir: ".",
    project: null,
    dialect: dialects.duckdb,
    query: async () => failed("query-refused", "a test without a warehouse"),
    describe: async () => failed("query-refused", "a test without a warehouse"),
    submit: async () => ({ admitted: true }),
    reject: () => {},
    unanswered: () => cases,
    progress: () => {},
    onActivity: () => {},
    tools: null,
    signal: new AbortController().signal,
    ...more,
  };
}
