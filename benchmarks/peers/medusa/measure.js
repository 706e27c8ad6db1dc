// @medusajs/promotion's side: its calculator of line item actions, one promotion after the other with their amounts carried over,
// as the package's own service calls it. Runs in the folder where the package is installed. Loading promotions, sorting them and
// turning the answer into its transport form are left out.
"use strict";

const Module = require("node:module");
const path = require("node:path");
const readline = require("node:readline");

const find = Module.createRequire(path.join(process.cwd(), "package.json"));
// The framework is an umbrella over a dozen packages; the calculator uses this one of them.
const resolve = Module._resolveFilename;
Module._resolveFilename = function (name, ...rest) {
  return name === "@medusajs/framework/utils" ? find.resolve("@medusajs/utils") : resolve.call(this, name, ...rest);
};
const { getComputedActionsForItems } = find("@medusajs/promotion/dist/utils/compute-actions/line-items.js");
const { areRulesValidForContext } = find("@medusajs/promotion/dist/utils/validations/promotion-rule.js");

const WARM_UP_SECONDS = 2;

// A cart as the service gets it: every number is an amount of the whole line, in minor units like ours.
function contextOf(simulation) {
  return {
    currency_code: simulation.currency,
    customer: { group: simulation.customer.facts.group },
    items: simulation.basket.lines.map((line) => ({
      id: line.id,
      quantity: line.quantity,
      subtotal: line.quantity * line.unit_price,
      original_total: line.quantity * line.unit_price,
      is_discountable: true,
      category: { id: line.categories[0] },
    })),
  };
}

function promotionOf(incentive, mostUnits) {
  const { effect, conditions } = incentive;
  const isPercentage = effect.type === "percent_off";
  const isAcross = effect.allocation === "by_amount" || effect.target.scope === "order";
  const ruleOf = (attribute, values) => [{ attribute, operator: "in", values: values.map((value) => ({ value })) }];
  const asked = conditions ? conditions.all[0] : null;
  const wanted = effect.target.include ? effect.target.include.categories : null;
  return {
    code: incentive.key,
    type: "standard",
    is_tax_inclusive: false,
    rules: asked ? ruleOf(asked.fact, asked.value) : [],
    application_method: {
      type: isPercentage ? "percentage" : "fixed",
      target_type: effect.target.scope === "order" ? "order" : "items",
      allocation: isAcross ? "across" : "each",
      value: isPercentage ? Number(effect.percent) : effect.amount,
      max_quantity: isAcross ? null : mostUnits,
      target_rules: wanted ? ruleOf("items.category.id", wanted) : [],
    },
  };
}

function compute(promotions, context) {
  const amounts = new Map();
  const actions = [];
  for (const promotion of promotions) {
    if (!areRulesValidForContext(promotion.rules, context, "order")) continue;
    const allocation = promotion.application_method.target_type === "order" ? "across" : undefined;
    actions.push(...getComputedActionsForItems(promotion, context.items, amounts, allocation));
  }
  return actions;
}

function prepare({ simulation }) {
  const context = contextOf(simulation);
  const mostUnits = Math.max(...simulation.basket.lines.map((line) => line.quantity));
  const promotions = simulation.incentives.map((incentive) => promotionOf(incentive, mostUnits));
  const once = () => {
    const started = process.hrtime.bigint();
    compute(promotions, context);
    return Number(process.hrtime.bigint() - started);
  };
  const actions = compute(promotions, context);
  const given = new Map(context.items.map((item) => [item.id, 0]));
  for (const action of actions) given.set(action.item_id, given.get(action.item_id) + Number(action.amount));
  const end = performance.now() + WARM_UP_SECONDS * 1000;
  while (performance.now() < end) once();
  const said = {
    lines: [...given.values()],
    applied: new Set(actions.map((action) => action.code)).size,
    version: find("@medusajs/promotion/package.json").version,
  };
  return [once, said];
}

function round(once, seconds) {
  const taken = [];
  const end = performance.now() + seconds * 1000;
  do taken.push(once());
  while (performance.now() < end);
  taken.sort((a, b) => a - b);
  const middle = taken.length >> 1;
  return { ns: taken.length % 2 ? taken[middle] : (taken[middle - 1] + taken[middle]) / 2, times: taken.length };
}

let once = null;
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const asked = JSON.parse(line);
  let answer;
  if (once === null) [once, answer] = prepare(asked);
  else answer = round(once, asked.seconds);
  process.stdout.write(JSON.stringify(answer) + "\n");
});
