/** Where a task's result stands, relative to the audit folder. */
export function resultFile(taskId: string, extension: "md" | "json"): string {
  return `results/${taskId}.${extension}`;
}
