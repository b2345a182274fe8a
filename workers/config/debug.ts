/** Whether the user asks for stack traces by the environment: DEBUG, as other command lines read it. */
export function isDebugging(env: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return env.DEBUG !== undefined && !['', '0', 'false'].includes(env.DEBUG);
}
