/**
 * The report as Markdown, in the pattern's template: results/<task>.md and full-report.md.
 * Knows no disk.
 */
import type { Reporter } from "../model/report.js";
import { fullReport } from "./markdown-full.js";
import { pageFile } from "./markdown-page.js";
import { pagesOf } from "./pages.js";

export const markdown: Reporter = {
  id: "markdown",
  render(report) {
    const pages = pagesOf(report).map((page) => ({
      path: `results/${page.id}.md`,
      content: pageFile(page, report),
    }));
    return [...pages, { path: "full-report.md", content: fullReport(report) }];
  },
};
