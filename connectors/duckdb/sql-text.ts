/** Pieces of DuckDB's SQL. */

/** A string literal; DuckDB takes backslashes as they are. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Expressions one behind the other as one text; concat takes NULL for nothing, so callers see to NULLs. */
export function concat(parts: readonly string[]): string {
  return `concat(${parts.join(', ')})`;
}

/** `transform` for each element of a list, as text, separated by commas; NULL where the list is. */
export function listText(list: string, open: string, close: string, transform: (element: string) => string): string {
  const joined = `array_to_string(list_transform(${list}, lambda e: ${transform('e')}), ',')`;
  return `CASE WHEN ${list} IS NOT NULL THEN ${quoteText(open)} || ${joined} || ${quoteText(close)} END`;
}
