/** The report as JSON: stable, versioned, and each case with all it has in one place. */
import { expect, it } from "vitest";
import { textOf } from "../../src/model/report.js";
import { json } from "../../src/reporters/json.js";
import { realisticReport } from "../fixtures/report/audit.js";

const report = realisticReport();
const files = new Map(json.render(report).map((file) => [file.path, textOf(file)]));

function read(path: string) {
  return JSON.parse(files.get(path) ?? "null");
}

it("writes one file for each page, with its cases, and without what is of this run alone", () => {
  const page = read("results/VA.json");
  expect(page).toMatchObject({ version: 1, task: "VA", title: "VA", axis: "group" });
  const lasting = report.cases
    .filter((each) => each.case.group.key === "VA")
    .map((each) => ({ ...each, report: { ...each.report, reused: undefined } }));
  expect(page.cases).toEqual(JSON.parse(JSON.stringify(lasting)));
});

it("writes findings.json with every case once; tasks and export name them", () => {
  const findings = read("findings.json");
  expect(findings.version).toBe(1);
  expect(findings.cases).toEqual(JSON.parse(JSON.stringify(report.cases)));
  expect(findings.tasks).toEqual(report.tasks.map((task) => ({ ...task, cases: task.cases.map(({ id }) => id) })));
  expect(findings.export.cases).toEqual(report.export.cases.map(({ id }) => id));
});

it("sorts keys, so that the order in which values were made changes nothing", () => {
  const turned = JSON.parse(JSON.stringify(report), (_, value) =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).reverse())
      : value,
  );
  expect(json.render(turned).map(textOf)).toEqual(json.render(report).map(textOf));
});
