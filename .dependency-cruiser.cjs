// The import rules of the rooms (docs/architecture.md). `npm run lint` fails on a broken arrow or a cycle.
const ours = '^(contracts|formats|generators|workflows|activities|connectors|workers|cli|stack|bench|test)/';
const rule = (name, from, allowed, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from },
  to: { path: ours, pathNot: allowed },
});
/** A vendor's client may be imported by its own folder of connectors/ only. */
const vendor = (folder, packages) => ({
  name: `vendor-${folder}`,
  severity: 'error',
  comment: `${packages} belongs to connectors/${folder}`,
  from: { path: ours, pathNot: `^(connectors/${folder}/|test/|bench/|stack/)` },
  to: { path: `node_modules/(${packages})/` },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    rule('contracts', '^contracts/', '^contracts/', 'contracts import nothing of ours'),
    rule('formats', '^formats/', '^(formats|contracts)/'),
    rule('generators', '^generators/', '^(generators|formats|contracts)/', 'models are pure; sinks are behind a port'),
    {
      name: 'workflows',
      severity: 'error',
      comment: 'workflows import contracts, and activities as types only',
      from: { path: '^workflows/' },
      to: { path: ours, pathNot: '^(workflows|contracts)/', dependencyTypesNot: ['type-only'] },
    },
    rule('activities', '^activities/', '^(activities|contracts|formats|generators)/'),
    {
      name: 'connectors',
      severity: 'error',
      comment: 'connectors import contracts, formats, their own folder, and activities and generators as types only',
      from: { path: '^connectors/([^/]+)/' },
      to: { path: ours, pathNot: '^(connectors/$1|contracts|formats)/', dependencyTypesNot: ['type-only'] },
    },
    rule('workers', '^workers/', '^(workers|activities|connectors|formats|generators|contracts|workflows)/'),
    {
      name: 'cli',
      severity: 'error',
      comment: "cli imports contracts, workers' configuration, the stack's commands, and workflows as types only",
      from: { path: '^cli/' },
      to: {
        path: ours,
        pathNot: '^((cli|contracts|generators|workers|stack)/|bench/product-sales\\.ts$)',
        dependencyTypesNot: ['type-only'],
      },
    },
    rule('stack', '^stack/', '^(stack|contracts)/'),
    vendor('postgres', 'pg|pg-copy-streams'),
    vendor('mysql', 'mysql2'),
    vendor('kafka', 'lz4-napi|snappy|fzstd'),
    vendor('librdkafka', '@confluentinc/kafka-javascript|kafkajs'),
    vendor('s3', '@aws-sdk'),
    vendor('duckdb', '@duckdb'),
    {
      name: 'generators-are-pure',
      severity: 'error',
      comment: 'a model knows no clock, no files, no network; only reading its own data files is its',
      from: { path: '^generators/' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(fs|timers/promises|url|path)$' },
    },
    vendor('parquetjs', 'parquetjs-lite'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(\\.headrace|coverage)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
