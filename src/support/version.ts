/** This package's version; the build puts it in. */
declare const __AUDIT_RUN_VERSION__: string;

export const version: string = __AUDIT_RUN_VERSION__;
