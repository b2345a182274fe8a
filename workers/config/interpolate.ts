/**
 * `${NAME}` and `${NAME:-default}` in YAML text values. An unset variable without a default is a problem, an empty one is
 * empty (`:-` also takes the place of an empty one, as in a shell). `$${` is a literal `${`. Keys are not interpolated.
 */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Interpolated {
  text: string;
  /** Whether anything was replaced: then the result may be a secret, and messages show the text as written instead. */
  replaced: boolean;
  /** `at` counts characters from the start of the text. */
  problems: { at: number; message: string }[];
}

const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;
const NAME = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;

export function interpolate(written: string, env: Environment): Interpolated {
  const problems: Interpolated['problems'] = [];
  let replaced = false;
  const text = written.replaceAll(REFERENCE, (whole: string, inside: string | undefined, close: string, at: number) => {
    if (inside === undefined) return '${';
    const parts = NAME.exec(inside);
    if (close === '' || parts === null) {
      problems.push({
        at,
        // Not what is there: it may be of a password.
        message: `a \${ begins no reference; write \${NAME} or \${NAME:-default}, or $\${ for a literal \${`,
      });
      return whole;
    }
    replaced = true;
    const [, name = '', fallback] = parts;
    const value = env[name];
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
    if (value === undefined) {
      problems.push({
        at,
        message: `the environment variable ${name} is not set; set it, or give a default: \${${name}:-…}`,
      });
      return '';
    }
    return value;
  });
  return { text, replaced, problems };
}
