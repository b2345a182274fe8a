/** Jars from Maven Central with all that they need at run time, in one folder of the user's cache, fetched once. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { artifact } from '../stack/artifacts.ts';
import { runCommand } from '../stack/run-command.ts';

/**
 * @param name of the folder; must change when the artifacts do
 * @param artifacts group:artifact:version
 * @returns the folder, for a class path of `<folder>/*`
 * @throws StackError with Maven's last words if it cannot be had
 */
export function jars(name: string, cache: string, artifacts: readonly string[]): Promise<string> {
  const onWait = (): void => undefined;
  return artifact(name, { cache, signal: undefined, onWait }, async (building) => {
    writeFileSync(join(building, 'pom.xml'), pom(name, artifacts));
    const copy = ['--quiet', '--batch-mode', 'dependency:copy-dependencies', '-DincludeScope=runtime'];
    await runCommand('mvn', [...copy, `-DoutputDirectory=${building}`], {
      cwd: building,
      log: join(cache, 'logs', `${name}.log`),
      remedy: 'Maven needs a way to Maven Central (or a mirror in ~/.m2/settings.xml)',
    });
  });
}

function pom(name: string, artifacts: readonly string[]): string {
  const dependencies = artifacts.map((coordinates) => {
    const [group = '', id = '', version = ''] = coordinates.split(':');
    return `    <dependency><groupId>${group}</groupId><artifactId>${id}</artifactId><version>${version}</version></dependency>\n`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>headrace</groupId><artifactId>${name}</artifactId><version>1</version>
  <dependencies>
${dependencies.join('')}  </dependencies>
</project>
`;
}
