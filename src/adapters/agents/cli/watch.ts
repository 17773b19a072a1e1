/**
 * Reads what an agent's program says, line by line: tells others of it, adds up what it spends, and says when a limit is
 * reached. Knows no process and no vendor.
 */
import type { AgentActivity, AgentOutcome, Usage } from "../../../model/agent.js";
import type { Cli, CliEvent, Told } from "./contract.js";
import { outcomeOfStatus } from "./outcome.js";

/** Of an error's texts a program may write thousands. */
const keptErrors = 20;
const longestText = 4_000;

export const noUsage: Usage = { input: 0, output: 0, cached: 0, cost: null, turns: 0 };

/** Times that a service may refuse, one after the other, before the task waits without a place of its own. */
const patience = 3;

export interface Watched {
  line(line: string): void;
  /** A line of its stderr. */
  errorLine(line: string): void;
  /**
   * To be called once, when nothing more comes.
   * @param wasKilled it did not end by itself, so that it could not tell what it has spent
   */
  end(wasKilled: boolean): void;
  readonly told: Told;
  /** The service refused, and nothing has come since. */
  readonly refused: { readonly outcome: AgentOutcome; readonly message: string } | null;
  /** The conversation's cost by now, with what it had cost before. */
  readonly total: Usage;
  /** Null where nothing was told of the server. */
  readonly toolsConnected: boolean | null;
}

export interface WatchOptions {
  readonly cli: Pick<Cli, "keeps" | "id">;
  readonly parse: (line: string) => readonly CliEvent[];
  readonly parseErrors?: (line: string) => readonly CliEvent[];
  readonly version: string;
  /** What the conversation had cost before, where it is gone on with. */
  readonly before: Usage;
  /** US dollars that the task has cost so far, whichever conversation it was. */
  readonly paid: number;
  readonly needsTools: boolean;
  /** Tokens of what it is asked, as estimated. */
  readonly sent: number;
  readonly maxTurns: number;
  readonly budget: number | null;
  readonly redact: (text: string) => string;
  readonly onActivity: (activity: AgentActivity) => void;
  readonly stop: (outcome: AgentOutcome, message: string) => void;
}

export function watch(options: WatchOptions): Watched {
  const { cli, onActivity, stop } = options;
  let started: Told["started"] = null;
  let result: Told["result"] = null;
  let said = "";
  let errors: Told["errors"] = [];
  let total = options.before;
  let totalTold = false;
  let isSpent = false;
  let { paid } = options;
  let toolsConnected: boolean | null = null;
  let refused: Watched["refused"] = null;
  let refusals = 0;
  /** Answers of the model, by id, with what each has cost. */
  const turns = new Map<string, Omit<Usage, "turns">>();
  const shown = (text: string): string => {
    const redacted = options.redact(text.length > longestText * 4 ? text.slice(0, longestText * 4) : text);
    return redacted.length > longestText ? `${redacted.slice(0, longestText)}…` : redacted;
  };

  const spend = (usage: Usage): void => {
    isSpent = true;
    total = added(total, usage);
    if (usage.input + usage.output + usage.cached + (usage.cost ?? 0) + usage.turns > 0)
      onActivity({ type: "spent", usage });
    paid += usage.cost ?? 0;
    if (cli.keeps.budget || options.budget === null || paid <= options.budget) return;
    stop("budget", `${cli.id} has spent $${paid.toFixed(2)}, more than its budget of $${options.budget}`);
  };

  const take: { readonly [Type in CliEvent["type"]]: (event: Extract<CliEvent, { type: Type }>) => void } = {
    started(event) {
      const isFirst = started === null;
      started = event;
      const { conversation, model } = event;
      if (isFirst)
        onActivity({ type: "started", model, version: `${cli.id} ${event.version ?? options.version}`, conversation });
    },
    server({ name, connected, status }) {
      if (name !== "audit") return;
      toolsConnected = connected;
      // What it would say without its tools is worth nothing, and costs the same.
      if (!connected && options.needsTools)
        stop("tools-unavailable", `${cli.id} could not reach the audit's tools (${status})`);
    },
    says({ text }) {
      said = text;
      onActivity({ type: "says", text: shown(text) });
    },
    uses: ({ tool, detail }) => onActivity({ type: "uses", tool, detail: shown(detail) }),
    waits: ({ why }) => onActivity({ type: "waits", why: shown(why) }),
    refused({ status, message }) {
      refusals += 1;
      // What is asked again as it is has not been refused for what it is.
      refused = { outcome: outcomeOfStatus(status) ?? "overloaded", message: `${cli.id}: ${message}` };
      onActivity({ type: "waits", why: shown(`the model's service refused (${message})`) });
      if (refusals > patience) stop(refused.outcome, refused.message);
    },
    turn({ id, usage }) {
      turns.set(id, usage ?? noUsage);
      if (!cli.keeps.turns && turns.size > options.maxTurns)
        stop("turns", `${cli.id} took more than ${options.maxTurns} turns`);
    },
    spent: ({ usage }) => spend(usage),
    total({ usage }) {
      totalTold = true;
      spend(difference(usage, total));
    },
    error(event) {
      errors = [...errors.slice(-keptErrors + 1), event];
    },
    result(event) {
      result = event;
    },
  };

  const takeAll = (events: readonly CliEvent[]): void => {
    for (const event of events) {
      if (["says", "uses", "spent", "result"].includes(event.type)) [refused, refusals] = [null, 0];
      (take[event.type] as (event: CliEvent) => void)(event);
    }
  };

  /** It was ended while the model was at work, as far as is known, and nothing was told of what that costs. */
  const hasAsked = (): boolean =>
    started !== null &&
    !isSpent &&
    toolsConnected !== false &&
    refused === null &&
    errors.length + (result ? 1 : 0) === 0;

  return {
    line: (line) => takeAll(options.parse(line)),
    errorLine: (line) => takeAll(options.parseErrors?.(line) ?? []),
    end(wasKilled) {
      // One that was ended before it told its sum has spent what its answers did, at a price that nobody told.
      if (totalTold) return;
      const own = [...turns.values()].map((usage) => ({ ...usage, turns: 1 })).reduce(added, noUsage);
      if (own.input + own.output + own.cached > 0) spend(own);
      else if (wasKilled && hasAsked()) spend(asSent(options.sent, turns.size));
    },
    get told() {
      return { started, result, errors, said };
    },
    get total() {
      return total;
    },
    get refused() {
      return refused;
    },
    get toolsConnected() {
      return toolsConnected;
    },
  };
}

function added(left: Usage, right: Usage): Usage {
  return {
    input: left.input + right.input,
    output: left.output + right.output,
    cached: left.cached + right.cached,
    cost: left.cost === null && right.cost === null ? null : (left.cost ?? 0) + (right.cost ?? 0),
    turns: left.turns + right.turns,
  };
}

/** The prompt was read, and once more, out of a cache, with each further answer. */
function asSent(tokens: number, turns: number): Usage {
  const again = Math.max(0, turns - 1);
  return { input: tokens, output: 0, cached: tokens * again, cost: null, turns, estimated: true };
}

/** What a new sum adds to an older one. A sum that is lower is of a conversation that began anew. */
function difference(now: Usage, before: Usage): Usage {
  const less = (left: number, right: number): number => (left < right ? left : left - right);
  return {
    input: less(now.input, before.input),
    output: less(now.output, before.output),
    cached: less(now.cached, before.cached),
    cost: now.cost === null ? null : less(now.cost, before.cost ?? 0),
    // Turns are those of this run alone.
    turns: now.turns,
  };
}
