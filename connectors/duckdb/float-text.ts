/** DuckDB prints floats with the same shortest digits as PostgreSQL, but `100` as `100.0` and switches to an exponent later. */

/**
 * A finite float as PostgreSQL prints it.
 * @param single whether x is FLOAT: PostgreSQL takes the exponent from 1e6 on there, else from 1e15
 */
export function finiteFloatText(x: string, single: boolean): string {
  const from = single ? '1e6' : '1e15';
  const whole = `split_part(abs(${x})::VARCHAR, '.', 1)`;
  const digits = `rtrim(replace(abs(${x})::VARCHAR, '.', ''), '0')`;
  const exponential =
    `CASE WHEN ${x} < 0 THEN '-' ELSE '' END || left(${digits}, 1) || ` +
    `CASE WHEN strlen(${digits}) > 1 THEN '.' || substr(${digits}, 2) ELSE '' END || ` +
    `'e+' || lpad((strlen(${whole}) - 1)::VARCHAR, 2, '0')`;
  return (
    `CASE WHEN abs(${x}) >= ${from} AND abs(${x}) < 1e16 THEN ${exponential} ` +
    `WHEN ends_with(${x}::VARCHAR, '.0') THEN left(${x}::VARCHAR, -2) ELSE ${x}::VARCHAR END`
  );
}

/** Any float as PostgreSQL prints it. */
export function floatText(x: string, single: boolean): string {
  return (
    `CASE WHEN isfinite(${x}) THEN ${finiteFloatText(x, single)} WHEN isnan(${x}) THEN 'NaN' ` +
    `WHEN ${x} > 0 THEN 'Infinity' WHEN ${x} < 0 THEN '-Infinity' END`
  );
}
