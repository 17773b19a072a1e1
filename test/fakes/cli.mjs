#!/usr/bin/env node
// A stand-in for a coding agent's program: prints what the real one prints (recorded), as the first argument and a file of
// behaviour say. `FAKE_CLI` names the program, `FAKE_BEHAVIOUR` what it does; `FAKE_ANSWER` is the answer's JSON, and
// `FAKE_LINES` with `FAKE_EXIT` is all that it prints, and how it ends.
import { readFileSync } from "node:fs";

const { FAKE_CLI: cli, FAKE_BEHAVIOUR: behaviour = "answers", FAKE_ANSWER: answer = '{"findings":[]}' } = process.env;
const [first] = process.argv.slice(2);
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const versions = { claude: "2.1.330 (Claude Code)", codex: "codex-cli 0.169.0", opencode: "1.18.33" };
const old = { claude: "2.1.197 (Claude Code)", codex: "codex-cli 0.99.0", opencode: "1.2.3" };

if (first === "--version") {
  if (behaviour === "is-something-else") process.stdout.write("usage: claude [file]\n");
  else process.stdout.write(`${(behaviour === "is-old" ? old : versions)[cli]}\n`);
} else if (first === "auth") {
  print({ loggedIn: behaviour !== "is-logged-out", authMethod: "none" });
  process.exitCode = behaviour === "is-logged-out" ? 1 : 0;
} else if (first === "login") {
  process.exitCode = behaviour === "is-logged-out" ? 1 : 0;
} else {
  if (behaviour !== "reads-nothing") readFileSync(0);
  await act();
}

async function act() {
  if (behaviour === "prints") {
    for (const line of JSON.parse(process.env.FAKE_LINES ?? "[]")) {
      if (typeof line === "string") process.stdout.write(`${line}\n`);
      else print(line);
    }
    process.exitCode = Number(process.env.FAKE_EXIT ?? 0);
    return;
  }
  const answers = {
    claude() {
      print({
        type: "system",
        subtype: "init",
        session_id: "s-1",
        model: "m",
        mcp_servers: [],
        claude_code_version: "2.1.330",
      });
      if (behaviour === "hangs") return hang();
      print({
        type: "assistant",
        message: { id: "1", content: [{ type: "text", text: "Here." }], usage: { input_tokens: 5, output_tokens: 2 } },
      });
      print({
        type: "result",
        subtype: "success",
        is_error: false,
        num_turns: 1,
        total_cost_usd: 0.25,
        modelUsage: { m: { inputTokens: 5, outputTokens: 2 } },
        structured_output: JSON.parse(answer),
      });
    },
    codex() {
      print({ type: "thread.started", thread_id: "t-1" });
      print({ type: "turn.started" });
      if (behaviour === "hangs") return hang();
      print({ type: "item.completed", item: { id: "0", type: "agent_message", text: answer } });
      print({ type: "turn.completed", usage: { input_tokens: 5, cached_input_tokens: 0, output_tokens: 2 } });
    },
    opencode() {
      const part = (more) => ({ sessionID: "o-1", part: { messageID: "m", ...more } });
      print({ type: "step_start", ...part({}) });
      if (behaviour === "hangs") return hang();
      print({ type: "text", ...part({ text: answer }) });
      print({
        type: "step_finish",
        ...part({ reason: "stop", cost: 0.25, tokens: { input: 5, output: 2, cache: {} } }),
      });
    },
  };
  await answers[cli]();
}

function hang() {
  return new Promise(() => setInterval(() => {}, 1_000));
}
