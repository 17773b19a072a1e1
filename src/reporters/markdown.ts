/**
 * The report as Markdown, in the pattern's template: results/<task>.md and full-report.md.
 * Knows no disk.
 */
import type { Reporter } from "../model/report.js";
import { fullReport } from "./markdown-full.js";
import { pageFile } from "./markdown-page.js";
import { contextOf, pageKeys, pagesOf } from "./pages.js";

export const markdown: Reporter = {
  id: "markdown",
  render(report) {
    const context = contextOf(report);
    const keyOf = pageKeys(context);
    const pages = pagesOf(report).map((page) => ({
      path: `results/${page.id}.md`,
      pieces: [{ key: keyOf(page), text: () => pageFile(page, context) }],
    }));
    return [...pages, { path: "full-report.md", pieces: fullReport(report) }];
  },
};
