/**
 * The named parts of a case's fingerprint: all that decides its finding, and nothing that does not
 * (no strategy, slot, path, time, exception or history). Pure.
 */
import type { Case, TestRef } from "../model/case.js";
import type { Config } from "../model/config.js";
import { digestOf } from "../model/digest.js";
import type { Facts, Parts } from "../model/graph.js";

/** The agent's share. Null prompt: this agent never sees one. */
export interface AgentParts {
  readonly id: string;
  /** The model that a test is given to; null where the config names none. */
  readonly modelOf: (test: TestRef) => string | null;
  readonly parts: Readonly<Record<string, string>>;
  /** Digest of the template. */
  readonly prompt: string | null;
}

/**
 * Parts that all cases of an audit share; computed once.
 * @param projectVars the `vars:` of dbt_project.yml
 */
export function sharedParts(config: Config, agent: AgentParts, projectVars: unknown): Parts {
  return {
    agent: digestOf({ id: agent.id, parts: agent.parts }),
    ...(agent.prompt === null ? {} : { prompt: agent.prompt }),
    categories: digestOf(config.categories.map(({ id, meaning, role }) => ({ id, meaning, role }))),
    vars: digestOf([projectVars, config.dbt.vars]),
    loads: digestOf(config.sources.map(({ name, loads }) => ({ name, loads }))),
  };
}

/**
 * @param model that this test is given to
 * @param lineage parts of the test's own resources and macros (dbt/relevance.ts).
 */
export function caseParts(item: Case, shared: Parts, model: string | null, lineage: Parts, config: Config): Parts {
  const known = shared.prompt === undefined ? null : knowledgeOf(item, config);
  return {
    rows: item.rowsDigest,
    ...shared,
    ...(model === null ? {} : { model }),
    ...(known === null ? {} : { knowledge: digestOf(known) }),
    ...lineage,
  };
}

function knowledgeOf(item: Case, config: Config): readonly (string | null)[] | null {
  const { all, byGroup, byTest } = config.knowledge;
  const known = [all, own(byGroup, item.group.key), own(byTest, item.test.name)];
  return known.every((text) => text === null) ? null : known;
}

/** A group may be called `constructor`. */
function own(record: Readonly<Record<string, string>>, key: string): string | null {
  return Object.hasOwn(record, key) ? (record[key] ?? null) : null;
}

/** What `audit-run explain` says of a case's parts. */
export function caseFacts(item: Case, shared: AgentParts): Facts {
  const model = shared.modelOf(item.test);
  return {
    rows: `${item.failures} ${item.failures === 1 ? "failure" : "failures"}`,
    agent: shared.id,
    ...(model === null ? {} : { model }),
  };
}
