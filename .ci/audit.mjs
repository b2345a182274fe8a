// `npm audit --audit-level=high`, with its three outcomes told apart: findings end the run with 1; a registry that offers no
// audit (many mirrors do not) is said loudly and ends with 0, because nothing was found out; anything else (registry away,
// answer not understood) ends with 1, because a check that silently stops checking is none. docs/decisions/0014.
import { spawnSync } from 'node:child_process';

/** What mirrors answer that have packages but no advisories. */
const NOT_OFFERED = [403, 404, 405, 410, 501];
const LEVELS = ['high', 'critical'];

const { stdout, stderr } = spawnSync('npm', ['audit', '--json'], { encoding: 'utf8' });
const report = parsed(stdout);
const counts = report?.metadata?.vulnerabilities;

if (counts !== undefined) {
  const found = Object.values(report.vulnerabilities ?? {}).filter(({ severity }) => LEVELS.includes(severity));
  for (const { name, severity, range, via } of found) {
    const why = via
      .map((each) => (typeof each === 'string' ? `through ${each}` : `${each.title} ${each.url}`))
      .join('; ');
    console.error(`${severity}: ${name} ${range}: ${why}`);
  }
  console.log(`${found.length} packages with high or critical findings, ${counts.total} with any`);
  process.exitCode = found.length > 0 ? 1 : 0;
} else if (NOT_OFFERED.includes(report?.statusCode)) {
  const line = '*'.repeat(100);
  console.error(
    `${line}\nNOT AUDITED: this npm registry has no audit endpoint (HTTP ${report.statusCode}). Nothing is known of findings.\n` +
      `Run \`npm audit --audit-level=high\` where the registry has one before a release.\n${line}`,
  );
} else {
  console.error(`npm audit could not be made: ${report?.message ?? (stderr || stdout)}`);
  process.exitCode = 1;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
