/** What `audit-run` exits with; documented in docs/cli.md, which a test holds against this. */
export const exitCodes = {
  complete: 0,
  /** A category of `--fail-on` has findings. */
  gate: 1,
  /** The command line or the config is wrong. */
  usage: 2,
  /** Some node failed: the report says what is missing. */
  incomplete: 3,
  /** Nothing was started: something that the run needs is not there. */
  preflight: 4,
  interrupted: 130,
  terminated: 143,
} as const;
