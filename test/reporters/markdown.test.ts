/** The Markdown of a realistic audit, as a reader sees it. */
import { expect, it } from "vitest";
import { markdown } from "../../src/reporters/markdown.js";
import { realisticReport } from "../fixtures/report/audit.js";

function render(path: string, report = realisticReport()): string {
  const file = markdown.render(report).find((each) => each.path === path);
  if (file === undefined) throw new Error(`no ${path}`);
  return file.content;
}

it("writes VA.md in the pattern's template", async () => {
  await expect(render("results/VA.md")).toMatchFileSnapshot("../fixtures/report/results/VA.md");
});

it("writes full-report.md", async () => {
  await expect(render("full-report.md")).toMatchFileSnapshot("../fixtures/report/full-report.md");
});
