// A whole audit with the real claude and the real tools; only the model is a stand-in. One task meets an overloaded service,
// the other goes on; the next run pays for what is missing alone.
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { AuditEventLine } from "../../src/model/events.js";
import { dummyKey, openStage, programs, type Stage, textsBelow } from "../rig/cli-agent.js";
import type { ModelRequest, Reply } from "../rig/model-stub/index.js";
import { type AuditFolder, auditFolder, investigations, setFailures } from "../rig/small-audit.js";

let stage: Stage;
let audit: AuditFolder;
afterEach(async () => {
  await audit.remove();
  await stage.close();
});

/** What the model was asked about: the cases that stand in its first message. */
const asks = ({ text }: ModelRequest): readonly string[] =>
  [...text.matchAll(/\{\\"test\\":\\"(\w+)\\",\\"group\\":\\"(\w+)\\",\\"failures\\"/g)].map(
    ([, name, group]) => `${name}@${group}`,
  );

const finding = (id: string) => {
  const [test, group] = id.split("@");
  return {
    test,
    group,
    classification: "needs_fix",
    confidence: "high",
    root_cause: "The join of bids loses the vendor of these rows.",
    recommendation: "Join by vendor_id.",
    evidence: [
      { sql: `select count(*) as n from "small"."failures"."${test}" where state = '${group}' and vendor is null` },
    ],
  };
};

test("a task whose model is overloaded fails, the other is finished, and only what is missing is asked again", async () => {
  let overloaded = true;
  const submitted = new Set<string>();
  const script = (request: ModelRequest): Reply => {
    const ids = asks(request);
    if (overloaded && ids.some((id) => id.endsWith("@VA"))) return { status: 529, message: "overloaded for now" };
    const next = ids.find((id) => !submitted.has(id));
    if (next === undefined) return { calls: [{ name: "StructuredOutput", input: { findings: [] } }] };
    submitted.add(next);
    return { calls: [{ name: "mcp__audit__submit_finding", input: finding(next) }] };
  };
  stage = await openStage(script);
  audit = await auditFolder(stage.env);
  const agent = {
    use: "claude",
    program: join(programs, "claude"),
    model: "claude-sonnet-4-5",
    byTest: { unique_id: { model: "claude-opus-4-1" } },
    attempts: 1,
    env: { CLAUDE_CODE_MAX_RETRIES: "0" },
  };
  await setFailures(audit, {
    not_null_vendor: [
      ["VA", 2],
      ["TX", 1],
    ],
    unique_id: [["TX", 3]],
  });
  await audit.configure({ agent, slots: { provider: "none" }, timeouts: { refused: "1ms" } });

  const first = await audit.run();
  expect([first.exitCode, first.stderr.includes("overloaded for now")]).toEqual([3, true]);
  expect(investigations(await audit.events())).toEqual({ "investigate:VA": "failed", "investigate:TX": "executed" });
  expect(submitted).toEqual(new Set(["not_null_vendor@TX", "unique_id@TX"]));
  const provenance = JSON.parse(await audit.read(".audit/findings.json")).cases.map(
    ({ report }: { report: { finding?: { provenance: object } } }) => report.finding?.provenance,
  );
  expect(provenance).toContainEqual(expect.objectContaining({ model: "claude-sonnet-4-5", program: "claude 2.1.330" }));
  expect(provenance).toContainEqual(expect.objectContaining({ model: "claude-opus-4-1", program: "claude 2.1.330" }));
  // Asked once more, after as long as the config has patience.
  expect([...outcomes(await audit.events())].sort()).toEqual(["ok", "ok", "overloaded", "overloaded"]);

  overloaded = false;
  const before = stage.stub.requests.length;
  const second = await audit.run();
  expect([second.exitCode, second.stderr]).toEqual([0, expect.any(String)]);
  expect(new Set(stage.stub.requests.slice(before).flatMap(asks))).toEqual(new Set(["not_null_vendor@VA"]));

  // Neither the password of a warehouse in the user's shell nor the login is anywhere that an agent, or a reader, looks.
  const texts = new Map([...(await textsBelow(audit.folder)), ...(await textsBelow(stage.home))]);
  expect(texts.size).toBeGreaterThan(30);
  for (const secret of ["canary-of-the-warehouse", dummyKey]) {
    expect([...texts].filter(([, text]) => text.includes(secret)).map(([file]) => file)).toEqual([]);
  }

  // Another model for one test reopens that test's cases, and no others.
  await audit.configure({
    agent: { ...agent, byTest: { unique_id: { model: "claude-opus-5" } } },
    slots: { provider: "none" },
  });
  submitted.clear();
  const then = stage.stub.requests.length;
  expect((await audit.run()).exitCode).toBe(0);
  expect(new Set(stage.stub.requests.slice(then).flatMap(asks))).toEqual(new Set(["unique_id@TX"]));
  expect([stage.stub.strays, stage.escapes]).toEqual([[], []]);
});

function outcomes(events: readonly AuditEventLine[]): readonly string[] {
  return events.flatMap((event) =>
    event.type === "agent" && event.activity.type === "ended" ? [event.activity.outcome] : [],
  );
}
