/** What lines of opencode's output and of its log say. Knows no process and no setting. */
import type { Usage } from "../../model/agent.js";
import type { CliEvent } from "./cli/contract.js";
import { inWords, type Json, jsonLine, number, record, text } from "./cli/json.js";

export function parse(line: string): readonly CliEvent[] {
  const message = jsonLine(line);
  if (message === null) return [];
  const part = record(message.part);
  const id = text(part.messageID) ?? "";
  switch (message.type) {
    case "step_start":
      return [
        { type: "started", conversation: text(message.sessionID), model: null, version: null },
        { type: "turn", id },
      ];
    case "text": {
      const words = text(part.text);
      return words === null ? [] : [{ type: "says", text: words }];
    }
    case "tool_use": {
      const tool = (text(part.tool) ?? "").replace(/^audit_/, "");
      return [{ type: "uses", tool, detail: inWords(record(part.state).input) }];
    }
    case "step_finish":
      return ofStep(part);
    case "error":
      return ofError(record(message.error));
    default:
      return [];
  }
}

/** `… message="stream error" … error.error="AI_APICallError: Overloaded"`: of an answer that the service refused. */
export function parseErrors(line: string): readonly CliEvent[] {
  if (!line.includes('message="stream error"') || line.includes(" small=true ")) return [];
  const message = /error\.error="AI_\w+: ((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
  return message === undefined ? [] : [{ type: "refused", status: statusIn(message), message }];
}

/** Its log tells no status, and the words are those of whichever service it is. */
function statusIn(message: string): number | null {
  if (/overload|at capacity|high demand|unavailable/i.test(message)) return 529;
  return /rate.?limit|too many requests|too_many_requests|quota|exhausted|usage limit|\b429\b/i.test(message)
    ? 429
    : null;
}

function ofStep(part: Json): readonly CliEvent[] {
  const tokens = record(part.tokens);
  const cache = record(tokens.cache);
  const usage: Usage = {
    input: (number(tokens.input) ?? 0) + (number(cache.write) ?? 0),
    output: (number(tokens.output) ?? 0) + (number(tokens.reasoning) ?? 0),
    cached: number(cache.read) ?? 0,
    cost: number(part.cost),
    turns: 1,
  };
  const kind = text(part.reason) ?? "unknown";
  return [
    { type: "spent", usage },
    { type: "result", isError: false, kind, status: null, text: "" },
  ];
}

function ofError(error: Json): readonly CliEvent[] {
  const data = record(error.data);
  const message = text(data.message) ?? text(error.name) ?? "an error without a text";
  const status = number(data.statusCode);
  return [
    { type: "error", status, message },
    { type: "result", isError: true, kind: text(error.name) ?? "error", status, text: message },
  ];
}
