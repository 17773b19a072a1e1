// What a run says where it is asked to take in what audit.exceptions.yaml has gained.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openAcceptance } from "../../src/audit/acceptance.js";
import { caseOf } from "../rig/cases.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-acceptance-"));
});
afterEach(() => rm(folder, { recursive: true }));

const head = "version: 1\nexceptions:\n";
const accepted = "  - {test: late_rows, group: TX, reason: r, owner: o, expires: never}\n";
const broken = "  - {test: late_rows, group: VA}\n";
const write = (text: string) => writeFile(join(folder, "audit.exceptions.yaml"), text);

function open() {
  const config = { exceptionsFile: join(folder, "audit.exceptions.yaml") };
  const session = { config, run: { startedAt: new Date("2026-02-03") }, exceptions: [] };
  return openAcceptance({ session, request: { cwd: folder } } as unknown as Parameters<typeof openAcceptance>[0]);
}

test("what the file has gained is accepted, and is known then", async () => {
  const acceptance = open();
  await write(head + accepted);
  expect(acceptance.takeIn()).toEqual({ taken: true, message: "accepted from now on: late_rows in TX" });
  expect(acceptance.takeIn()).toEqual({ taken: true, message: "the run knows it already" });
  const cases = [caseOf("late_rows", "TX"), caseOf("late_rows", "VA")];
  expect(acceptance.remaining(cases).map(({ id }) => id)).toEqual(["late_rows@VA"]);
});

test("a file that cannot be read is told, with the place, and nothing is called known", async () => {
  const acceptance = open();
  await write(head + broken);
  expect(acceptance.takeIn()).toEqual({
    taken: false,
    message: expect.stringMatching(/^nothing new is accepted, since not all can be read: audit\.exceptions\.yaml:3: /),
  });
  await write(`${head}  - {test: [`);
  expect(acceptance.takeIn()).toMatchObject({ taken: false, message: expect.stringContaining("exceptions.yaml:3: ") });
});

test("the entries that are right count beside one that is not, which is told", async () => {
  const acceptance = open();
  await write(head + accepted + broken);
  expect(acceptance.takeIn()).toEqual({
    taken: true,
    message: expect.stringMatching(
      /^accepted from now on: late_rows in TX; but not all can be read: audit\.exceptions\.yaml:4: /,
    ),
  });
});
