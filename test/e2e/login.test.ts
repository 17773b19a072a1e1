// An agent that tells everybody its login and its token, by every way that it has: nothing of them is kept or shown.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { type AuditFolder, auditFolder, root, setFailures } from "../rig/small-audit.js";

const logins = { ANTHROPIC_AUTH_TOKEN: "canary-auth-of-nobody", CLAUDE_CODE_OAUTH_TOKEN: "canary-oauth-of-nobody" };
let audit: AuditFolder;
afterEach(() => audit.remove());

test("an agent's login and its tools' token are nowhere in the audit folder, and in nothing that is printed", async () => {
  audit = await auditFolder(logins);
  await setFailures(audit, { by_tool: [["VA", 1]], in_answer: [["VA", 2]], refused: [["VA", 3]] });
  const program = join(root, "test/fakes/talkative-cli.mjs");
  await audit.configure({ agent: { use: "claude", program, attempts: 1, slot: false } });
  const ended = await audit.run();
  const { cases } = JSON.parse(await audit.read(".audit/findings.json"));
  const found = cases.map(({ report }: { report: { status: string; finding?: { rootCause: string } } }) => [
    report.status,
    report.finding?.rootCause,
  ]);
  const masked = "I was called with [redacted] [redacted] [redacted].";
  expect(found, ended.stderr).toEqual([["found", masked], ["found", masked], expect.arrayContaining([undefined])]);

  const files = await readdir(join(audit.folder, ".audit"), { recursive: true, withFileTypes: true });
  const paths = files.filter((each) => each.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  expect(paths.length).toBeGreaterThan(10);
  const texts = await Promise.all(paths.map(async (path) => [path, await readFile(path, "utf8")] as const));
  const all = [...texts, ["stdout", ended.stdout] as const, ["stderr", ended.stderr] as const];
  // It tells of what a tool has answered.
  const leak = /canary-(auth|oauth)|aud1t_[\w-]{8}|LEAK/;
  expect(all.filter(([, text]) => leak.test(text)).map(([path]) => path)).toEqual([]);
  expect(texts.filter(([path, text]) => path.endsWith("events.jsonl") && text.includes("[redacted]"))).toHaveLength(1);
});
