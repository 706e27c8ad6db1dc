// Draws every figure marked `data-chart` from the JSON beside it. The table below it says the same without this file.
(function () {
  "use strict";

  var drawn = new Map();
  var motion = window.matchMedia("(prefers-reduced-motion: reduce)");

  // Colours come from the style sheet. A probe resolves light-dark(), variables and mixes to what a canvas understands.
  function colour(name) {
    var probe = document.createElement("span");
    probe.className = "app-probe app-probe-" + name;
    document.body.appendChild(probe);
    var value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  }
  function palette() {
    var colours = {};
    ["text", "muted", "line", "surface", "ramp-low", "ramp-high"].forEach(function (name) { colours[name] = colour(name); });
    colours.series = [1, 2, 3, 4, 5, 6, 7, 8].map(function (n) { return colour("series-" + n); });
    return colours;
  }

  function formatter(data) {
    var lang = document.documentElement.lang || "en";
    if (data.format === "percent") {
      var percent = new Intl.NumberFormat(lang, { style: "percent", maximumFractionDigits: 1 });
      return function (value) { return percent.format(value); };
    }
    if (data.format === "money") {
      var scale = Math.pow(10, data.digits);
      var amount = new Intl.NumberFormat(lang, { minimumFractionDigits: data.digits, maximumFractionDigits: data.digits });
      return function (value) { return amount.format(value / scale) + " " + data.currency; };
    }
    var number = new Intl.NumberFormat(lang, { maximumFractionDigits: 2 });
    return function (value) { return number.format(value); };
  }
  function shortFormatter(data) {
    var lang = document.documentElement.lang || "en";
    if (data.format === "percent") return formatter(data);
    var compact = new Intl.NumberFormat(lang, { notation: "compact", maximumFractionDigits: 1 });
    var scale = data.format === "money" ? Math.pow(10, data.digits) : 1;
    return function (value) { return compact.format(value / scale); };
  }

  function base(data, colours) {
    var write = formatter(data);
    return {
      aria: { enabled: true, label: { description: [data.title, data.summary].filter(Boolean).join(". ") } },
      animation: !motion.matches,
      animationDuration: 300,
      color: colours.series,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: colours.text },
      tooltip: {
        renderMode: "richText", confine: true, backgroundColor: colours.surface, borderColor: colours.line, borderWidth: 1,
        textStyle: { color: colours.text, fontSize: 12 },
        valueFormatter: function (value) { return value === null || value === undefined || value === "-" ? "–" : write(value); }
      }
    };
  }

  function cartesian(data, colours) {
    var option = base(data, colours);
    var shortly = shortFormatter(data);
    var sideways = Boolean(data.horizontal);
    var category = {
      type: "category", data: data.labels, boundaryGap: data.kind === "bar", inverse: sideways,
      axisLine: { lineStyle: { color: colours.line } }, axisTick: { show: false },
      axisLabel: {
        color: colours.muted, hideOverlap: true, width: sideways ? 140 : undefined, overflow: "truncate",
        alignMinLabel: data.kind === "line" ? "left" : undefined, alignMaxLabel: data.kind === "line" ? "right" : undefined
      }
    };
    var value = {
      type: "value", splitLine: { lineStyle: { color: colours.line } }, scale: Boolean(data.from_lowest),
      splitNumber: 4, axisLabel: { color: colours.muted, formatter: shortly, hideOverlap: true },
      min: data.min, max: data.max,
      // Counts have no halves: without this an axis of few redemptions would be marked 0.3, 0.6, 0.9.
      minInterval: (data.format || "number") === "number" && data.series.every(function (series) {
        return series.values.every(function (number) { return number === null || Number.isInteger(number); });
      }) ? 1 : undefined
    };
    option.grid = { left: 4, right: 16, top: data.series.length > 1 ? 36 : 12, bottom: 8, containLabel: true };
    option.xAxis = sideways ? value : category;
    option.yAxis = sideways ? category : value;
    option.tooltip.trigger = "axis";
    option.tooltip.axisPointer = { type: data.kind === "bar" ? "shadow" : "line" };
    if (data.series.length > 1) {
      option.legend = {
        top: 0, left: 0, icon: "roundRect", itemWidth: 12, itemHeight: 4, textStyle: { color: colours.text },
        data: data.series.map(function (series) { return series.name; })
      };
    }
    var symbols = ["circle", "rect", "triangle", "diamond"];
    var dashes = ["solid", [6, 3], [2, 3], [10, 3, 2, 3]];
    option.series = [];
    data.series.forEach(function (series, index) {
      var tone = colours.series[index % colours.series.length];
      if (data.kind === "bar") {
        option.series.push({
          type: "bar", name: series.name, data: series.values, stack: data.stacked ? "all" : undefined, barMaxWidth: 36,
          itemStyle: { color: tone, borderRadius: data.stacked ? 0 : (sideways ? [0, 3, 3, 0] : [3, 3, 0, 0]) }
        });
        return;
      }
      if (series.low && series.high) {
        var band = { type: "line", stack: "band" + index, symbol: "none", lineStyle: { opacity: 0 }, silent: true, tooltip: { show: false } };
        option.series.push(Object.assign({ name: series.name + " ", data: series.low }, band));
        option.series.push(Object.assign({
          name: series.name + "  ", areaStyle: { color: tone, opacity: 0.15 },
          data: series.high.map(function (high, i) { return high === null ? null : high - series.low[i]; })
        }, band));
      }
      // Series differ by dash and mark as well, not by colour alone.
      option.series.push({
        type: "line", name: series.name, data: series.values, stack: data.stacked ? "all" : undefined,
        symbol: symbols[index % symbols.length], symbolSize: 5, showSymbol: data.labels.length <= 31, connectNulls: false,
        lineStyle: { width: 2, color: tone, type: dashes[index % dashes.length] }, itemStyle: { color: tone },
        areaStyle: (data.area && !series.low) || data.stacked ? { color: tone, opacity: 0.12 } : undefined
      });
    });
    return option;
  }

  function pie(data, colours) {
    var option = base(data, colours);
    var values = data.series[0].values;
    option.tooltip.trigger = "item";
    var total = values.reduce(function (sum, value) { return sum + (value || 0); }, 0);
    var share = new Intl.NumberFormat(document.documentElement.lang || "en", { style: "percent", maximumFractionDigits: 1 });
    option.legend = {
      bottom: 0, icon: "circle", itemWidth: 10, itemHeight: 10, textStyle: { color: colours.text },
      formatter: function (name) { return name + "  " + (total ? share.format(values[data.labels.indexOf(name)] / total) : "–"); }
    };
    option.series = [{
      type: "pie", radius: ["52%", "78%"], center: ["50%", "43%"], label: { show: false },
      itemStyle: { borderColor: colours.surface, borderWidth: 2 },
      data: data.labels.map(function (label, i) { return { name: label, value: values[i] }; })
    }];
    return option;
  }

  function funnel(data, colours) {
    var option = base(data, colours);
    var write = formatter(data);
    var values = data.series[0].values;
    option.tooltip.trigger = "item";
    option.series = [{
      type: "funnel", left: 8, right: "36%", top: 8, bottom: 8, sort: "none", gap: 3, minSize: "12%",
      label: { position: "right", color: colours.text, formatter: function (part) { return part.name + "  " + write(part.value); } },
      labelLine: { lineStyle: { color: colours.line } },
      data: data.labels.map(function (label, i) {
        return { name: label, value: values[i], itemStyle: { color: colours.series[0], opacity: 1 - i * 0.08, borderWidth: 0 } };
      })
    }];
    return option;
  }

  function heatmap(data, colours) {
    var option = base(data, colours);
    var write = formatter(data);
    var points = [], lowest = Infinity, highest = -Infinity;
    data.rows.forEach(function (row, y) {
      row.forEach(function (value, x) {
        if (value === null || value === undefined) return;
        points.push([x, y, value]);
        lowest = Math.min(lowest, value);
        highest = Math.max(highest, value);
      });
    });
    option.tooltip.trigger = "item";
    option.tooltip.formatter = function (part) {
      return data.labels[part.value[1]] + " · " + data.columns[part.value[0]] + "\n" + write(part.value[2]);
    };
    option.grid = { left: 4, right: 8, top: 8, bottom: 44, containLabel: true };
    option.xAxis = { type: "category", data: data.columns, axisLabel: { color: colours.muted, hideOverlap: true }, axisTick: { show: false }, axisLine: { show: false } };
    option.yAxis = { type: "category", data: data.labels, inverse: true, axisLabel: { color: colours.muted }, axisTick: { show: false }, axisLine: { show: false } };
    option.visualMap = {
      min: data.min !== undefined ? data.min : lowest, max: data.max !== undefined ? data.max : highest, calculable: false,
      orient: "horizontal", left: "center", bottom: 0, itemWidth: 10, itemHeight: 140, precision: 4, formatter: write,
      inRange: { color: [colours["ramp-low"], colours["ramp-high"]] }, textStyle: { color: colours.muted }
    };
    var low = option.visualMap.min, high = option.visualMap.max, written = points.length <= 120;
    option.visualMap.show = !written;
    if (written) option.grid.bottom = 4;
    option.series = [{
      type: "heatmap", itemStyle: { borderColor: colours.surface, borderWidth: 2, borderRadius: 3 },
      label: { show: written, formatter: function (part) { return write(part.value[2]); } },
      data: points.map(function (point) {
        var strong = (point[2] - low) / (high - low || 1) > 0.5;
        return { value: point, label: { color: strong ? colours.surface : colours.text } };
      })
    }];
    return option;
  }

  function sankey(data, colours) {
    var option = base(data, colours);
    var names = [];
    data.links.forEach(function (link) {
      [link.from, link.to].forEach(function (name) { if (names.indexOf(name) === -1) names.push(name); });
    });
    option.tooltip.trigger = "item";
    option.series = [{
      type: "sankey", left: 4, right: 120, top: 8, bottom: 8, nodeWidth: 14, nodeGap: 12, draggable: false,
      label: { color: colours.text }, lineStyle: { color: "gradient", opacity: 0.3 }, emphasis: { focus: "adjacency" },
      data: names.map(function (name, i) { return { name: name, itemStyle: { color: colours.series[i % colours.series.length], borderWidth: 0 } }; }),
      links: data.links.map(function (link) { return { source: link.from, target: link.to, value: link.value }; })
    }];
    return option;
  }

  var makers = { line: cartesian, bar: cartesian, pie: pie, funnel: funnel, heatmap: heatmap, sankey: sankey };

  function draw(figure) {
    var source = document.getElementById(figure.dataset.chart);
    var canvas = figure.querySelector("[data-chart-canvas]");
    if (!source || !canvas) return;
    var data = JSON.parse(source.textContent);
    var chart = drawn.get(figure);
    if (!chart) {
      chart = window.echarts.init(canvas, null, { renderer: "canvas" });
      drawn.set(figure, chart);
      watch.observe(canvas);
    }
    chart.setOption(makers[data.kind](data, palette()), true);
  }

  function drawSafely(figure) {
    try {
      draw(figure);
    } catch (error) {
      // The table holds the same figures: open it instead of showing a broken picture.
      figure.classList.add("app-chart-failed");
      var table = figure.querySelector("details");
      if (table) table.open = true;
      console.warn("chart not drawn", figure.dataset.chart, error);
    }
  }

  var watch = new ResizeObserver(function (entries) {
    entries.forEach(function (entry) {
      var chart = drawn.get(entry.target.closest("[data-chart]"));
      if (chart && entry.contentRect.width) chart.resize();
    });
  });

  function drawAll() {
    drawn.forEach(function (chart, figure) {
      if (!figure.isConnected) { chart.dispose(); drawn.delete(figure); }
    });
    document.querySelectorAll("[data-chart]").forEach(drawSafely);
  }

  document.addEventListener("themechange", drawAll);
  document.addEventListener("htmx:afterSettle", drawAll);
  function start() { if (document.fonts && document.fonts.ready) document.fonts.ready.then(drawAll); else drawAll(); }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();
