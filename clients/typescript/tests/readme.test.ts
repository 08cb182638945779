import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import './environment.js';

const home = fileURLToPath(new URL('../..', import.meta.url));

test('the programs of the README, as one, print what it says', async () => {
  const readme = await readFile(join(home, 'README.md'), 'utf8');
  const programs = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, program]) => program);
  const [run] = /^npx tsc .* program.ts && node program.js$/m.exec(readme) ?? [];
  assert.ok(programs.length > 0 && run);

  // What npm install would bring, from here.
  const folder = await mkdtemp(join(tmpdir(), 'barong-readme-'));
  await mkdir(join(folder, 'node_modules', '@types'), { recursive: true });
  for (const name of ['typescript', '@types/node', '.bin']) await symlink(join(home, 'node_modules', name), join(folder, 'node_modules', name));
  await symlink(home, join(folder, 'node_modules', 'barong-management'));
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
  await writeFile(join(folder, 'program.ts'), programs.join('\n'));

  const printed = execFileSync('sh', ['-c', run], { cwd: folder, encoding: 'utf8' });
  assert.deepEqual(printed.trimEnd().split('\n'), [
    'profile: partial', 'email: verified',
    'users found: true',
    'it is true',
    'the plan is gold',
    'replayed: true',
    'listed: true', 'filtered: active',
    '422 invalid_record email email_invalid, password password_too_weak',
    '/timestamp 201 1',
  ]);
  await rm(folder, { recursive: true });
});

test('the README names the versions that the client is made with', async () => {
  const { devDependencies } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'));
  const readme = await readFile(join(home, 'README.md'), 'utf8');
  for (const name of ['typescript', '@types/node']) assert.ok(readme.includes(`${name}@${devDependencies[name]}`), name);
});
