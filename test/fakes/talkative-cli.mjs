#!/usr/bin/env node
// A stand-in for claude that tells everybody its login and its token: in what it says, in its log, in what it hands in by a
// tool, in a finding that is refused, and in its answer.
import { readFileSync } from "node:fs";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const { ANTHROPIC_AUTH_TOKEN, CLAUDE_CODE_OAUTH_TOKEN, AUDIT_MCP_TOKEN: token } = process.env;
const secrets = `${ANTHROPIC_AUTH_TOKEN} ${CLAUDE_CODE_OAUTH_TOKEN} ${token}`;
const [first] = process.argv.slice(2);
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const finding = (test, classification) => ({
  test,
  group: "VA",
  classification,
  confidence: "high",
  root_cause: `I was called with ${secrets}.`,
  recommendation: `Change ${secrets}.`,
  alternatives: [`None but ${secrets}.`],
  evidence: [{ title: secrets, sql: `select '${secrets}' as mine -- ${secrets}` }],
});

if (first === "--version") process.stdout.write("2.1.330 (Claude Code)\n");
else if (first === "auth") print({ loggedIn: true, authMethod: "none" });
else await answer();

async function answer() {
  readFileSync(0);
  process.stderr.write(`${secrets}\n`);
  const started = { model: "m", claude_code_version: "2.1.330", mcp_servers: [{ name: "audit", status: "connected" }] };
  print({ type: "system", subtype: "init", session_id: "s", ...started });
  const told = [];
  for (const input of [finding("by_tool", "needs_fix"), finding("refused", secrets)]) {
    told.push(await call("submit_finding", input));
    const content = [
      { type: "text", text: secrets },
      { type: "tool_use", name: "mcp__audit__submit_finding", input },
    ];
    print({ type: "assistant", message: { id: "1", content, usage: { input_tokens: 5, output_tokens: 2 } } });
  }
  told.push(await call("run_sql", { sql: `select '${secrets}' as mine` }));
  // What the tools answer reaches the model's service.
  const leaks = told.filter((text) => text.includes(ANTHROPIC_AUTH_TOKEN) || text.includes(token));
  print({
    type: "result",
    subtype: "success",
    is_error: false,
    num_turns: 1,
    total_cost_usd: 0.25,
    result: secrets,
    structured_output: { findings: [finding("in_answer", "needs_fix"), finding("refused", secrets)] },
  });
  if (leaks.length > 0) process.stderr.write(`LEAK ${leaks.join(" ")}\n`);
}

async function call(name, args) {
  const { mcpServers } = JSON.parse(process.argv[process.argv.indexOf("--mcp-config") + 1]);
  const client = new Client({ name: "talkative", version: "1" });
  const requestInit = { headers: { Authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(mcpServers.audit.url), { requestInit }));
  const { content } = await client.callTool({ name, arguments: args });
  await client.close();
  return JSON.stringify(content);
}
