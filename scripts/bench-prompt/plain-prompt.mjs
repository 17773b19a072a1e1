// The baseline: a prompt as one writes it by hand, one a state, with the same facts and no more. The agent has a shell with the
// warehouse's own client, and does the rest by itself.
import { join } from "node:path";

export function plainPrompt(state, folder) {
  return `You investigate failing dbt tests of the state ${state}.

Context:
- dbt repository: ${join(folder, "examples/dot-bids")}
- Code that loads the sources: ${join(folder, "examples/dot-sync")}
- The rows that failed are in the schema dot_bids.dbt_demo_test_failures, a table a test.

For each test that fails in ${state}:
1. Query its failures: count them, and look at ten, such as
   select * from dot_bids.dbt_demo_test_failures.{test} where state = '${state}' limit 10
2. Investigate. Which data cause the failure? Is the source wrong, or our transformation? Look into the code that loads the
   source where it matters.
3. Classify it:
   - known_exception: documented behavior of the source data
   - needs_fix: a bug in our transformation
   - needs_investigation: cannot be told without more information
   - source_data_issue: bad data from the vendor
4. Write what you found to ${join(folder, "results", `${state}.md`)}

As:
## Test: {test}
- Failures: {count}
- Classification: {one of the four}
- Root cause: {description}
- Evidence: {query with its result}
- Recommendation: {action}

When you are done: echo DONE > ${join(folder, `agent-${state.toLowerCase()}-status.txt`)}
`;
}
