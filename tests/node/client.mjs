// Prices one case, a line of each payment method, a list and a column stream over TLS with a token, by code made from the contract at run time,
// and compares every amount with what the library said. Amounts are 64-bit integers: strings here, never doubles.
//
//     node client.mjs ADDRESS CA_FILE TOKEN_FILE PROTO_FOLDER EXPECTED_FILE

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import test, { after } from "node:test";

import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const [address, caFile, tokenFile, protoFolder, expectedFile] = process.argv.slice(2);
const expected = JSON.parse(readFileSync(expectedFile, "utf8"));
const token = readFileSync(tokenFile, "utf8").trim();

const definition = loader.loadSync(
  ["pricing_service.proto", "schedule_service.proto"].map((name) => join("tariffcore/v1", name)),
  { includeDirs: [protoFolder], longs: String, enums: String, oneofs: true, keepCase: true },
);
const { tariffcore } = grpc.loadPackageDefinition(definition);
const bearer = grpc.credentials.createFromMetadataGenerator((_, done) => {
  const metadata = new grpc.Metadata();
  metadata.add("authorization", `Bearer ${token}`);
  done(null, metadata);
});
const tls = grpc.credentials.createSsl(readFileSync(caFile));
const pricing = new tariffcore.v1.PricingService(address, grpc.credentials.combineChannelCredentials(tls, bearer));
const withoutToken = new tariffcore.v1.PricingService(address, tls);
after(() => {
  pricing.close();
  withoutToken.close();
});

const call = (client, method, request) =>
  new Promise((done, failed) =>
    client[method](request, { deadline: Date.now() + 60_000 }, (error, answer) =>
      error ? failed(error) : done(answer),
    ),
  );

const amountOf = (priced) => (priced.amount_minor === undefined ? null : priced.amount_minor);

// A decimal of at most two places in minor units, without a double on the way; -1 where there is none.
const minorOf = (decimal) => {
  if (decimal === undefined || decimal === "") return -1n;
  const [whole, places = ""] = decimal.split(".");
  return BigInt(whole + places.padEnd(2, "0"));
};

const assertPriced = (priced, wanted) => {
  assert.equal(priced.case_id, wanted.case_id);
  assert.equal(priced.status, wanted.status);
  assert.equal(amountOf(priced), wanted.amount_minor);
  if (wanted.amount_minor !== null) {
    assert.equal(typeof priced.amount_minor, "string");
    assert.equal(priced.rule_id, wanted.rule_id);
    assert.equal(priced.method, wanted.method);
  }
};

test("one case, with its explanation", async () => {
  const answer = await call(pricing, "PriceCase", {
    case: expected.cases[0],
    with_components: true,
    with_explanation: true,
    with_text: true,
    language: "ru",
  });
  assertPriced(answer.priced, expected.prices[0]);
  assert.equal(answer.edition.schedule_id, expected.prices[0].schedule_id);
  assert.match(answer.edition.digest, /^[0-9a-f]{64}$/);
  const parts = answer.priced.components.map((part) => BigInt(part.amount_minor ?? 0));
  assert.ok(parts.length > 0);
  assert.equal(parts.reduce((sum, part) => sum + part), BigInt(answer.priced.amount_minor));
  assert.ok(answer.explanation.steps.some((step) => step.id === "payment"));
  assert.equal(answer.explanation.text, expected.explanation_ru);
});

test("a line of each payment method, and what it brings with it", async () => {
  for (const { case: line, price } of expected.of_each_method) {
    const answer = await call(pricing, "PriceCase", { case: line, with_explanation: true });
    assertPriced(answer.priced, price);
    assert.equal(
      answer.explanation.steps.some((step) => step.id === "addon"),
      Boolean(line.addon_kind),
    );
  }
  const drug = expected.of_each_method.find(({ price }) => price.method === "PAYMENT_METHOD_CASE_WITH_DRUG");
  const alone = await call(pricing, "PriceCase", { case: { ...drug.case, addon_kind: "", addon_amount: "" } });
  const added = BigInt(drug.price.amount_minor) - BigInt(alone.priced.amount_minor);
  assert.equal(added, minorOf(drug.case.addon_amount));
});

test("a list, row by row in its order", async () => {
  const answer = await call(pricing, "PriceCases", { cases: expected.cases, with_reasons: true });
  assert.equal(answer.priced.length, expected.cases.length);
  answer.priced.forEach((priced, row) => assertPriced(priced, expected.prices[row]));
  const rejected = answer.priced.filter((priced) => priced.status !== "CASE_STATUS_OK");
  assert.ok(rejected.length > 0 && rejected.every((priced) => priced.reason !== ""));
});

test("an amount that no double holds", async () => {
  const answer = await call(pricing, "PriceCase", { case: expected.large.case });
  assertPriced(answer.priced, expected.large.price);
  assert.ok(BigInt(answer.priced.amount_minor) > BigInt(Number.MAX_SAFE_INTEGER));
  assert.notEqual(BigInt(Number(answer.priced.amount_minor)), BigInt(answer.priced.amount_minor));
});

// Words go once a stream; rows name them by their place, counted from 1.
class Table {
  places = new Map();
  place(word, added) {
    if (word === undefined || word === "") return 0;
    if (!this.places.has(word)) {
      this.places.set(word, this.places.size + 1);
      added.push(word);
    }
    return this.places.get(word);
  }
}

const MISSING = 4294967295;
const day = (text) => (text === "" ? -2147483648 : Date.parse(`${text.slice(0, 10)}T00:00:00Z`) / 86_400_000);

const chunkOf = (cases, tables) => {
  const chunk = { rows: cases.length };
  const words = (column, added, field) => {
    chunk[added] = [];
    chunk[column] = cases.map((each) => tables[column].place(each[field], chunk[added]));
  };
  words("provider", "new_provider_ids", "provider_id");
  words("drg", "new_drg_codes", "drg_code");
  words("service", "new_service_codes", "service_code");
  words("care_setting", "new_care_settings", "care_setting");
  words("factor", "new_factor_codes", "factor_code");
  words("outcome", "new_outcomes", "outcome");
  words("addon_kind", "new_addon_kinds", "addon_kind");
  chunk.addon_amount_minor = cases.map((each) => String(minorOf(each.addon_amount)));
  chunk.admission_day = cases.map((each) => day(each.admission_date));
  chunk.discharge_day = cases.map((each) => day(each.discharge_date));
  chunk.age_years = cases.map((each) => each.age_years ?? MISSING);
  chunk.quantity = cases.map((each) => Number(each.quantity));
  chunk.death_unavoidable = Buffer.from(
    cases.map(({ death_unavoidable: death }) => (death === undefined ? 0 : death ? 2 : 1)),
  );
  chunk.new_procedure_codes = [];
  chunk.procedure_end = [];
  chunk.procedure = [];
  for (const each of cases) {
    for (const code of each.procedure_codes) {
      chunk.procedure.push(tables.procedure.place(code, chunk.new_procedure_codes));
    }
    chunk.procedure_end.push(chunk.procedure.length);
  }
  return chunk;
};

test("a column stream, in chunks", async () => {
  const tables = {};
  for (const name of ["provider", "drg", "service", "care_setting", "factor", "outcome", "addon_kind", "procedure"]) {
    tables[name] = new Table();
  }
  const stream = pricing.PriceCaseColumns({ deadline: Date.now() + 60_000 });
  const amounts = [];
  const statuses = [];
  const rules = [];
  let started;
  const answers = (async () => {
    for await (const answer of stream) {
      if (answer.started) {
        started = answer.started;
        continue;
      }
      const { rows, amount_minor: amount, status, rule } = answer.priced;
      assert.equal(amount.length, rows);
      assert.equal(status.length, rows);
      amounts.push(...amount);
      statuses.push(...status);
      rules.push(...rule);
    }
  })();
  stream.write({ start: { with_rules: true } });
  const SIZE = 97;
  for (let first = 0; first < expected.cases.length; first += SIZE) {
    const chunk = chunkOf(expected.cases.slice(first, first + SIZE), tables);
    if (!stream.write({ chunk })) await once(stream, "drain");
  }
  stream.end();
  await answers;
  assert.ok(started.editions.length > 0);
  assert.equal(amounts.length, expected.prices.length);
  expected.prices.forEach((wanted, row) => {
    assert.equal(typeof amounts[row], "string");
    assert.equal(amounts[row], wanted.amount_minor ?? "0");
    assert.equal(statuses[row], wanted.status_number);
    assert.equal(rules[row] ? started.rule_ids[rules[row] - 1] : "", wanted.rule_id);
  });
});

test("a wrong chunk is an error with the path of its field", async () => {
  const stream = pricing.PriceCaseColumns({ deadline: Date.now() + 60_000 });
  stream.on("data", () => {});
  stream.write({ start: {} });
  stream.write({ chunk: { rows: 2, drg: [1, 1] } });
  stream.end();
  const [error] = await once(stream, "error");
  assert.equal(error.code, grpc.status.INVALID_ARGUMENT);
  const details = error.metadata.get("grpc-status-details-bin")[0].toString("latin1");
  assert.match(details, /PLACE_BEYOND_TABLE/);
  assert.match(details, /chunk\.drg\[0\]/);
});

test("without a token nothing is priced", async () => {
  await assert.rejects(call(withoutToken, "PriceCase", { case: expected.cases[0] }), (error) => {
    assert.equal(error.code, grpc.status.UNAUTHENTICATED);
    return true;
  });
});
