// Every licence of what haggle is built from is on the `allow` list of deny.toml. cargo-deny says the same in the public
// CI; this runs wherever Node does, and also looks at the npm packages of the tests and at the front end's libraries.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import satisfies from 'spdx-satisfies';

const root = fileURLToPath(new URL('../..', import.meta.url));
const allowed = allowList(readFileSync(join(root, 'deny.toml'), 'utf8'));

// What only runs in tests is not part of haggle, so these may stand next to the list.
const allowedInTests = [...allowed, '0BSD', 'BSD-2-Clause', 'BlueOak-1.0.0', 'CC-BY-3.0', 'CC0-1.0', 'Python-2.0', 'MPL-2.0'];

// From before npm's field `license`, so that lock files don't say it; read in `licenses` of their package.json.
const older = { 'xmlhttprequest-ssl': 'MIT' };

/** The strings of `allow` in the section `[licenses]`. */
function allowList(denyToml) {
  const [, section] = denyToml.split(/^\[licenses\]$/m);
  const [, list] = /^allow = \[([^\]]*)\]/m.exec(section ?? '') ?? [];
  const names = [...(list ?? '').replace(/#.*/g, '').matchAll(/"([^"]+)"/g)].map(([, name]) => name);
  assert.ok(names.length > 0, 'deny.toml has no `allow` list under [licenses]');
  return names;
}

function fits(licence, list = allowed) {
  // Before SPDX expressions a slash said `OR`; many crates still write it.
  const expression = String(licence ?? '').replaceAll('/', ' OR ');
  try {
    return satisfies(expression, list);
  } catch {
    return false; // No licence, or one that SPDX does not know.
  }
}

function lockFiles() {
  return ['tests', 'examples']
    .flatMap((folder) => readdirSync(join(root, folder), { withFileTypes: true }).map((entry) => `${folder}/${entry.name}`))
    .map((path) => `${path}/package-lock.json`)
    .filter((path) => existsSync(join(root, path)));
}

const readJson = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));

test('a licence fits when one of its choices is on the list', () => {
  for (const licence of ['MIT', 'MIT/Apache-2.0', 'MIT OR GPL-3.0-only', '(MIT OR Apache-2.0) AND Unicode-3.0']) {
    assert.ok(fits(licence), licence);
  }
  for (const licence of ['GPL-3.0-only', 'MIT AND GPL-3.0-only', 'AGPL-3.0-or-later', 'SEE LICENSE IN FILE', '', null]) {
    assert.ok(!fits(licence), String(licence));
  }
});

test('every crate has a licence that deny.toml allows', () => {
  const metadata = execFileSync('cargo', ['metadata', '--locked', '--format-version', '1'], {
    cwd: root,
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { packages } = JSON.parse(metadata);
  assert.ok(packages.length > 100, `cargo metadata names only ${packages.length} packages`);
  const refused = packages
    .filter(({ license }) => !fits(license))
    .map(({ name, version, license, license_file }) => `${name} ${version}: ${license ?? license_file ?? 'no licence'}`);
  assert.deepEqual(refused, [], 'crates whose licence is not on the `allow` list of deny.toml');
});

test('every npm package of the tests has a licence that tests may use', () => {
  const refused = lockFiles().flatMap((path) =>
    Object.entries(readJson(path).packages)
      .filter(([name, { license }]) => name !== '' && !fits(license ?? older[name.split('node_modules/').at(-1)], allowedInTests))
      .map(([name, { version, license }]) => `${path}: ${name} ${version}: ${license ?? 'no licence'}`),
  );
  assert.deepEqual(refused, []);
});

test('no lock file names the registry that a package came from', () => {
  // npm then takes each package from the registry of the one who runs it, and `integrity` still says which bytes it must be.
  const named = lockFiles().flatMap((path) =>
    Object.entries(readJson(path).packages)
      .filter(([, { resolved, link }]) => resolved && !link)
      .map(([name]) => `${path}: ${name}`),
  );
  assert.deepEqual(named, [], 'lock again with omit-lockfile-registry-resolved=true in .npmrc');
});

for (const path of ['static/vendor', 'packages/components/src/vendor']) {
  test(`every library in ${path} says its licence, and deny.toml allows it`, () => {
    const folder = join(root, path);
    // The table of its README: | `file` | package | version | licence, `its text` | …
    const table = /^\| `([^`]+)` \|[^|]*\|[^|]*\| ([^|,]+), `([^`|]+)` \|/gm;
    const rows = [...readFileSync(join(folder, 'README.md'), 'utf8').matchAll(table)];
    const known = new Map(rows.map(([, file, licence, text]) => [file, { licence, text }]));
    const refused = readdirSync(folder)
      // The types are our own.
      .filter((name) => !/^(LICEN[CS]E|README)|\.d\.ts$/i.test(name))
      .filter((name) => !fits(known.get(name)?.licence) || !existsSync(join(folder, known.get(name).text)))
      .map((name) => `${path}/${name}: ${known.get(name)?.licence ?? 'not in the table of its README.md'}`);
    assert.deepEqual(refused, []);
  });
}
