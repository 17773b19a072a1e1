/**
 * The built-in investigator: no model, no slot, no prompt. Walks each failing test upstream once for all its groups,
 * however the tasks are cut, and hands in one draft a case.
 * Knows nothing of how a walk decides (lineage/) nor of how drafts are admitted.
 *
 * Locations: dbt's file paths are relative to the dbt project, a finding's to the repository, so
 * `request.dbtDir` is put in front; a file that is not there (a package's, say) is not cited.
 */
import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import { z } from "zod";
import { sharedWalk, type Walks } from "../../lineage/shared-walk.js";
import { type Told, tell } from "../../lineage/tell.js";
import type { Walk } from "../../lineage/verdict.js";
import type { AgentAdapter, InvestigationRequest, Investigator } from "../../model/agent.js";
import type { Case } from "../../model/case.js";
import type { Location } from "../../model/finding.js";
import type { Project, Resource } from "../../model/project.js";
import { failed, ok, type Result } from "../../model/result.js";
import { fileInside } from "../../support/repo-files.js";

const Settings = z.strictObject({
  maxQueries: z
    .int()
    .min(1)
    .max(1000)
    .default(40)
    .describe("Queries that one test may cost (most need fewer than 15); after that it is undecided."),
});

type Settings = z.infer<typeof Settings>;

export const lineage: AgentAdapter<Settings> = {
  id: "lineage",
  settings: Settings,
  create: async (settings) => ok(createInvestigator(settings)),
};

function createInvestigator(settings: Settings): Investigator {
  const walks: Walks = new Map();
  return {
    id: "lineage",
    needsSlot: false,
    isolation: "built-in",
    isFree: true,
    readsPrompt: false,
    parts: { algorithm: "lineage@2", maxQueries: String(settings.maxQueries) },
    model: null,
    investigate: (request) => investigate(request, settings, walks),
    close: async () => walks.clear(),
  };
}

async function investigate(request: InvestigationRequest, settings: Settings, walks: Walks): Promise<Result<void>> {
  const { project } = request;
  if (project === null) {
    return failed("artifacts-missing", "the lineage agent needs dbt's manifest, and there is none", {
      hint: "set summary.artifacts to a folder with manifest.json, or use another agent",
    });
  }
  const byTest = new Map<string, Case[]>();
  for (const item of request.cases) byTest.set(item.test.id, [...(byTest.get(item.test.id) ?? []), item]);
  for (const cases of byTest.values()) {
    const first = cases[0];
    if (first === undefined) continue;
    const walk = await sharedWalk({ ...request, ...settings, project, item: first }, walks);
    if (!walk.ok) return walk;
    request.progress(`${first.test.name}: ${walk.value.queries} queries`);
    for (const item of cases) {
      const handed = await submitCase(request, project, item, walk.value);
      if (!handed.ok) return handed;
    }
  }
  return ok(undefined);
}

async function submitCase(
  request: InvestigationRequest,
  project: Project,
  item: Case,
  walk: Walk,
): Promise<Result<void>> {
  if (request.signal.aborted) return failed("aborted", "the investigation was stopped");
  const told = tell({ ...request, item, walk, project });
  if (told === null) {
    return failed("agent-failed", "the config has no category for a role that the lineage agent needs", {
      hint: "give one category each the roles transformation, source and unclear",
    });
  }
  const locations = told.blamed === null ? [] : await located(request, told.blamed, told.lines);
  await request.submit({ ...told.draft, ...(locations.length === 0 ? {} : { locations }) });
  return ok(undefined);
}

async function located(request: InvestigationRequest, blamed: Resource, lines: Told["lines"]): Promise<Location[]> {
  const root = request.checkouts.dbt;
  if (root === undefined || blamed.file === null) return [];
  const file = posix.join(request.dbtDir, blamed.file);
  const path = await fileInside(root, file);
  if (path === null) return [];
  const before = lines === null ? null : linesBefore(await readFile(path, "utf8").catch(() => ""), blamed.rawCode);
  const place = lines === null || before === null ? {} : { line: lines.first + before, end_line: lines.last + before };
  return [{ repo: "dbt", file, ...place, resource: blamed.id }];
}

/** Lines of the file before the manifest's SQL, which dbt trims; null where the file holds other SQL now. */
function linesBefore(text: string, rawCode: string): number | null {
  const normal = text.replaceAll("\r\n", "\n");
  const at = rawCode.trim() === "" ? -1 : normal.indexOf(rawCode.replaceAll("\r\n", "\n"));
  return at === -1 ? null : normal.slice(0, at).split("\n").length - 1;
}
