// Reads ids of events, one on each line, and answers each with a line as soon as PostgreSQL has its row.
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";

const client = new pg.Client({ connectionString: process.env.BENCH_POSTGRES_URL });
await client.connect();
const query = { name: "find", text: `select 1 from "${process.env.BENCH_SCHEMA}"."events" where id = $1` };
for await (const id of createInterface({ input: process.stdin })) {
  while ((await client.query({ ...query, values: [id] })).rowCount === 0) await pause(1);
  process.stdout.write("found\n");
}
await client.end();
