/** A session that ends, a server that goes away, a second tab: what was typed stays, and the way on is said. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Person } from './person.ts';
import { World } from './world.ts';

let world: World;
let patient: Person;

beforeAll(async () => {
  world = await World.start();
  patient = await world.person('patient');
  await patient.setUp();
});
afterEach(({ task }) => world.evidence(task));
afterAll(() => world?.stop());

test('a session that ended in the middle of a form leaves the form as it was', async () => {
  await patient.goTo('/share');
  await patient.page.getByRole('radio', { name: 'Let them add records for me' }).check();
  // The session ends at the server, as when it expires.
  await patient.page.evaluate(() => fetch('/v1/auth/logout', { method: 'POST' }));
  await patient.page.evaluate(() => (location.hash = '#/requests'));
  await patient.sees('Your sign-in has ended.');
  await patient.press('Sign in with this account');
  await patient.agree();
  await patient.page.getByRole('navigation', { name: 'Main navigation' }).waitFor();
  await patient.goTo('/share');
  expect(await patient.page.getByRole('radio', { name: 'Let them add records for me' }).isChecked()).toBe(true);
});

test('without a connection the page says so and goes on by itself when it is back', async () => {
  await patient.goTo('/records');
  await patient.context.setOffline(true);
  await patient.sees(/server does not answer|No live connection/);
  await patient.context.setOffline(false);
  await patient.page.getByText(/server does not answer|No live connection/).first().waitFor({ state: 'hidden', timeout: 60_000 });
});

test('signing out in one tab locks the other', async () => {
  const other = await patient.context.newPage();
  await other.goto(world.url);
  await other.getByRole('button', { name: 'Unlock', exact: true }).waitFor();
  await other.getByRole('button', { name: 'Sign out' }).click();
  await patient.sees(/Locked from another window|You are signed out/);
  await other.close();
});
