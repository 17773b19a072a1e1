/** OpenAI's Responses API as a stream: the events of one reply, and the body of an error. Knows no socket. */
import type { Reply, ToolCall } from "./index.js";

type Event = { readonly type: string } & Readonly<Record<string, unknown>>;
type Said = Exclude<Reply, { readonly status: number }>;

export function* streamResponse(reply: Said, model: string, number: number): Generator<Event> {
  const id = `resp_stub_${number}`;
  yield { type: "response.created", response: { id, object: "response", model, status: "in_progress", output: [] } };
  if ("stall" in reply) return;
  const text = "flood" in reply ? "x".repeat(reply.flood) : "text" in reply ? reply.text : undefined;
  const calls: readonly ToolCall[] = "calls" in reply ? reply.calls : [];
  const output: unknown[] = [];
  if (text !== undefined) {
    const content = [{ type: "output_text", text, annotations: [] }];
    output.push({ type: "message", id: `msg_stub_${number}`, role: "assistant", status: "completed", content });
  }
  for (const [position, { name, input }] of calls.entries()) {
    const call_id = `call_stub_${number}_${position}`;
    const [namespace, plain] = name.includes("/") ? name.split("/") : [undefined, name];
    output.push({
      type: "function_call",
      id: `fc_stub_${number}_${position}`,
      call_id,
      name: plain,
      ...(namespace === undefined ? {} : { namespace }),
      arguments: JSON.stringify(input),
      status: "completed",
    });
  }
  for (const [output_index, item] of output.entries()) {
    yield { type: "response.output_item.added", output_index, item };
    yield { type: "response.output_item.done", output_index, item };
  }
  const { input = 10, output: said = 20, cached = 0 } = ("tokens" in reply ? reply.tokens : undefined) ?? {};
  const usage = {
    input_tokens: input + cached,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: said,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + cached + said,
  };
  yield { type: "response.completed", response: { id, object: "response", model, status: "completed", output, usage } };
}

export function openaiError({ status, message = `stub says ${status}` }: Extract<Reply, { status: number }>): unknown {
  return {
    error: { type: status === 401 ? "invalid_request_error" : "server_error", code: null, message, param: null },
  };
}
