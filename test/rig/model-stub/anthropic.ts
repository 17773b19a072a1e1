/** Anthropic's Messages API as a stream: the events of one reply, and the body of an error. Knows no socket. */
import type { Reply, ToolCall } from "./index.js";

type Event = { readonly type: string } & Readonly<Record<string, unknown>>;
type Said = Exclude<Reply, { readonly status: number }>;

export function* streamMessage(reply: Said, model: string, number: number): Generator<Event> {
  const tokens = "tokens" in reply ? reply.tokens : undefined;
  const usage = {
    input_tokens: tokens?.input ?? 10,
    output_tokens: 1,
    cache_read_input_tokens: tokens?.cached ?? 0,
    cache_creation_input_tokens: 0,
  };
  const message = { id: `msg_stub_${number}`, type: "message", role: "assistant", model, content: [] };
  yield { type: "message_start", message: { ...message, stop_reason: null, stop_sequence: null, usage } };
  if ("stall" in reply) return;
  let index = 0;
  if ("flood" in reply) yield* flood(reply.flood, index++);
  const text = "text" in reply ? reply.text : undefined;
  if (text !== undefined) yield* block(index++, { type: "text", text: "" }, { type: "text_delta", text });
  const calls: readonly ToolCall[] = "calls" in reply ? reply.calls : [];
  for (const { name, input } of calls) {
    const start = { type: "tool_use", id: `toolu_stub_${number}_${index}`, name, input: {} };
    yield* block(index++, start, { type: "input_json_delta", partial_json: JSON.stringify(input) });
  }
  const stop_reason = calls.length > 0 ? "tool_use" : "end_turn";
  yield {
    type: "message_delta",
    delta: { stop_reason, stop_sequence: null },
    usage: { output_tokens: tokens?.output ?? 20 },
  };
  yield { type: "message_stop" };
}

function* block(index: number, content_block: unknown, delta: unknown): Generator<Event> {
  yield { type: "content_block_start", index, content_block };
  yield { type: "content_block_delta", index, delta };
  yield { type: "content_block_stop", index };
}

function* flood(bytes: number, index: number): Generator<Event> {
  yield { type: "content_block_start", index, content_block: { type: "text", text: "" } };
  const piece = "All work and no play makes a dull log. ".repeat(1_700);
  for (let sent = 0; sent < bytes; sent += piece.length) {
    yield { type: "content_block_delta", index, delta: { type: "text_delta", text: piece } };
  }
  yield { type: "content_block_stop", index };
}

const kinds: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  429: "rate_limit_error",
  500: "api_error",
  529: "overloaded_error",
};

export function anthropicError({
  status,
  message = `stub says ${status}`,
}: Extract<Reply, { status: number }>): unknown {
  return { type: "error", error: { type: kinds[status] ?? "api_error", message } };
}
