/**
 * What an agent does, as lines for a person: from the events of its task. Knows no file and no cursor.
 */
import type { AgentActivity } from "../../model/agent.js";
import { counted, dollars, tokenText } from "../../model/amount.js";
import type { AuditEvent, AuditEventLine } from "../../model/events.js";
import { nothingSpent, type Spent, spentAlso, tokensOf } from "../../model/spending.js";
import { wholeLine } from "./rows.js";
import { type Color, type Mark, mark, type Span, type Style } from "./style.js";
import { durationText, harmless, timeOfDay } from "./text.js";

interface Line {
  readonly mark: Mark | null;
  readonly text: string;
  readonly color?: Color;
}

/** Turns the events of one task, in their order, into lines; of those that say nothing here there are none. */
export function createAgentLog(style: Style): (event: AuditEventLine) => readonly string[] {
  let spent = nothingSpent;
  return (event) => {
    if (event.type === "agent" && event.activity.type === "spent") spent = spentAlso(spent, event.activity.usage);
    const time: Span = { text: `${timeOfDay(Date.parse(event.at))} `, color: "dim" };
    return linesOf(event, spent).map(({ mark: name, text, color }) => {
      const sign = name === null ? { text: " " } : mark(name, style);
      const words: Span = { text: ` ${harmless(text)}`, ...(color === undefined ? {} : { color }) };
      return wholeLine([time, sign, words], style);
    });
  };
}

function linesOf(event: AuditEvent, spent: Spent): readonly Line[] {
  switch (event.type) {
    case "started":
      return [{ mark: "running", text: `${event.node} has started` }];
    case "at-work": {
      const where = event.slot === null ? "" : ` in slot ${event.slot}`;
      return [{ mark: "running", text: `${event.agent} is at work${where} (${event.isolation})` }];
    }
    case "agent": {
      const missed = event.leftOut === undefined ? [] : [quiet(`… ${event.leftOut} more that it did are left out`)];
      return [...missed, activityLine(event.activity, spent)];
    }
    case "progress":
      return [{ mark: null, text: event.message }];
    case "finding":
      return [{ mark: "done", text: `finding: ${event.case} is ${event.classification}`, color: "green" }];
    case "warning":
      return [{ mark: "warning", text: event.message, color: "yellow" }];
    case "reopened":
      return [{ mark: "running", text: "it is to run once more" }];
    case "settled":
      return settledLines(event);
    default:
      return [];
  }
}

function activityLine(activity: AgentActivity, spent: Spent): Line {
  switch (activity.type) {
    case "started":
      return { mark: "running", text: `${activity.version}${activity.model === null ? "" : `, ${activity.model}`}` };
    case "says":
      return { mark: null, text: activity.text };
    case "uses":
      return { mark: "running", text: `${activity.tool} ${activity.detail}`, color: "cyan" };
    case "spent":
      return quiet(`spent ${inShort(spentAlso(nothingSpent, activity.usage))}; in all ${inShort(spent)}`);
    case "waits":
      return { mark: "warning", text: `waits: ${activity.why}`, color: "yellow" };
    case "ended":
      return { mark: "stopped", text: `its program has ended (${activity.outcome}): ${activity.message}` };
  }
}

function settledLines({ outcome, duration, failure }: Extract<AuditEvent, { type: "settled" }>): readonly Line[] {
  const name = outcome === "executed" || outcome === "reused" ? "done" : outcome === "failed" ? "failed" : "stopped";
  const reason = failure === undefined ? "" : `: ${failure.code}: ${failure.message}`;
  const hint = failure?.hint === undefined ? [] : [quiet(failure.hint)];
  return [{ mark: name, text: `${outcome} in ${durationText(duration)}${reason}` }, ...hint];
}

function quiet(text: string): Line {
  return { mark: null, text, color: "dim" };
}

/** `1.5k tokens, $0.03, 4 turns`: what is known of it. */
function inShort(spent: Spent): string {
  const price = spent.cost === 0 ? [] : [dollars(spent.cost)];
  const rounds = spent.turns === 0 ? [] : [counted(spent.turns, "turn")];
  return [tokenText(tokensOf(spent)), ...price, ...rounds].join(", ");
}
