/** What findings.json says of each case, without times and ids: two audits of the same data can be compared by it. */
import type { AuditFolder } from "./small-audit.js";

/** By case id. */
export async function reportedCases(audit: AuditFolder): Promise<Record<string, Record<string, unknown>>> {
  const report = JSON.parse(await audit.read(".audit/findings.json"));
  return Object.fromEntries(
    report.cases.map(({ case: item, report: { finding, status } }: ReportedCaseJson) => [
      item.id,
      {
        failures: item.failures,
        rows: item.rows,
        digest: item.rowsDigest,
        status,
        category: finding?.classification,
        cause: finding?.rootCause,
      },
    ]),
  );
}

interface ReportedCaseJson {
  readonly case: { readonly id: string; readonly failures: number; readonly rows: number; readonly rowsDigest: string };
  readonly report: {
    readonly status: string;
    readonly finding?: { readonly classification: string; readonly rootCause: string };
  };
}
