// The queries of the measurement: whether an event has arrived, and all rows of a table.
import { asc, eq, gt } from "drizzle-orm";
import { Hono } from "hono";
import { db } from "ponder:api";
import schema from "ponder:schema";

const PAGE = 20_000;
const app = new Hono();

app.get("/event/:id", async (c) => {
  const found = await db
    .select({ id: schema.events.id })
    .from(schema.events)
    .where(eq(schema.events.id, c.req.param("id")));
  return c.body(null, found.length > 0 ? 200 : 404);
});

app.get("/rows/:table", async (c) => {
  const table = schema[c.req.param("table") as keyof typeof schema];
  if (!table) return c.body(null, 404);
  const after = c.req.query("after") ?? "";
  return c.json(await db.select().from(table).where(gt(table.id, after)).orderBy(asc(table.id)).limit(PAGE));
});

export default app;
