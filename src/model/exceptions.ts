/**
 * The shape of audit.exceptions.yaml: failures that a person has accepted, with a reason, an owner and an end.
 * Knows no YAML, no positions in a file and no disk. What an entry does is in findings/.
 */
import { z } from "zod";

/** One entry, as written. */
export const ExceptionEntry = z.strictObject({
  test: z.string().min(1).describe("Test name; `*` may stand in it."),
  group: z.string().min(1).describe("Group key, such as VA; `*` for all."),
  reason: z.string().regex(/\S/, "must not be blank").describe("Why it is accepted; shown in every report."),
  owner: z.string().regex(/\S/, "must not be blank").describe("Who answers for it."),
  expires: z
    .string()
    .refine((text) => text === "never" || isDate(text), "must be a day such as 2026-12-31, or never")
    .describe("The last day on which it holds, or `never`."),
  ticket: z.string().min(1).optional().describe("Where it is tracked."),
});

export const exceptionsShape = {
  version: z.literal(1).describe("Version of this file's format."),
  exceptions: z
    .array(ExceptionEntry)
    .describe("At most one entry for the same test and group.")
    .meta({
      examples: [
        [
          {
            test: "bid_extension_total_wrong",
            group: "VA",
            reason: "Bond and fee amounts are in bids_value but are no line items.",
            owner: "bids-data-team",
            expires: "2027-12-31",
          },
        ],
      ],
    }),
} as const;

export type ExceptionEntry = z.infer<typeof ExceptionEntry>;

/** A day that the calendar has. */
function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}
