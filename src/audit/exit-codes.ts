/** What `audit-run` exits with; documented in docs/cli.md, which a test holds against this. */
export const exitCodes = {
  complete: 0,
  /** A category of `--fail-on` has findings. */
  gate: 1,
  /** The command line or the config is wrong. */
  usage: 2,
  /** Some node failed, rows of a failing test could not be read, or the budget is used up: the report says what is missing. */
  incomplete: 3,
  /** Nothing was started: something that the run needs is not there. */
  preflight: 4,
  /** `tasks claim` and `next`: nothing is left. `tasks complete`: not all is admitted, and the claim stands. */
  notYet: 1,
  /** `tasks`: the token gives no right to the task any more; what was handed in is kept aside. */
  fenced: 5,
  interrupted: 130,
  terminated: 143,
} as const;
