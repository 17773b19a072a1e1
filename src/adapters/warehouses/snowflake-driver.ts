/**
 * Loads Snowflake's driver, silenced: it writes nothing on the terminal, no log file, and asks nobody where it runs.
 * Knows no account and no SQL.
 */
import type { ConnectionOptions, SnowflakeLogger } from "snowflake-sdk";

type Driver = typeof import("snowflake-sdk");

const nothing = () => undefined;
const silent: SnowflakeLogger = { error: nothing, warn: nothing, info: nothing, debug: nothing, trace: nothing };

/**
 * Read by the driver when it is loaded or connects. Without them it loads native code of no use to us, prints a warning of
 * AWS's, asks the cloud's metadata service and AWS (with whatever credentials it finds) who this machine is, and reports
 * the form of our options. What the user has set stays.
 */
const quiet: Readonly<Record<string, string>> = {
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  SNOWFLAKE_DISABLE_PLATFORM_DETECTION: "true",
  SNOWFLAKE_DISABLE_MINICORE: "true",
  SF_TELEMETRY_DISABLE_CONNECTION_SHAPE: "true",
};

let loading: Promise<Driver> | null = null;

/** Half a second and 57 MB, once a process. */
export function loadDriver(): Promise<Driver> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Driver> {
  for (const [name, value] of Object.entries(quiet)) process.env[name] ??= value;
  const driver = (await import("snowflake-sdk")).default as unknown as Driver;
  // The level alone is not enough: a file snowflake.log would still be made by what logs before it is read.
  driver.configure({ logLevel: "OFF", additionalLogToConsole: false, customLogger: silent });
  return driver;
}

/**
 * What every connection has besides its login. Rows come as arrays, since columns of one name would be lost in objects;
 * NULL is null rather than the text NULL.
 */
export const commonOptions: ConnectionOptions = {
  application: "audit-run",
  rowMode: "array",
  representNullAsStringNull: false,
  // Chunks of a result that are loaded ahead: each may take tens of megabytes.
  resultPrefetch: 1,
  // A wrong host should be told within seconds, not minutes; who opens the warehouse tries again.
  sfRetryMaxLoginRetries: 1,
};
