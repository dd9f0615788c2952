// Measurements of a session over time (docs/api.yaml, /sessions/{uuid}/series) as the charts want them. Pure.

type Column = (number | null)[];

interface Rtt {
  min?: Column;
  avg?: Column;
  max?: Column;
}

export interface Series {
  times?: number[]; // unix seconds, rising
  rttMs?: Rtt;
  lossPercent?: Column;
  rxBytesPerSecond?: Column;
  txBytesPerSecond?: Column;
  routesIn?: Column;
  routesOut?: Column;
}

export interface Lines {
  at: number[]; // unix seconds; none when nothing was measured at all
  rtt: Column;
  rttMax: Column;
  loss: Column;
  rx: Column; // bit/s
  tx: Column;
  routesIn: Column;
  routesOut: Column;
}

// As long as the times, whatever came.
const fitted = (times: number[], values: Column | undefined, factor = 1): Column =>
  times.map((_, i) => {
    const value = values?.[i];
    return typeof value === "number" ? value * factor : null;
  });
const isKnown = (line: Column): boolean => line.some((value) => value !== null);

export function linesOf(series: Series): Lines {
  const times = series.times ?? [];
  const column = (values: Column | undefined, factor = 1): Column => fitted(times, values, factor);
  const lines = {
    rtt: column(series.rttMs?.avg),
    rttMax: column(series.rttMs?.max),
    loss: column(series.lossPercent),
    rx: column(series.rxBytesPerSecond, 8),
    tx: column(series.txBytesPerSecond, 8),
    routesIn: column(series.routesIn),
    routesOut: column(series.routesOut),
  };
  return { at: Object.values(lines).some(isKnown) ? times : [], ...lines };
}

// Of a node's links (docs/api.yaml, /nodes/{node}/series).
export interface LinkSeries {
  times?: number[];
  links?: { id: number; node?: string | null; rttMs?: Rtt }[];
}
export function rttOf(times: number[], rtt: Rtt | undefined): { at: number[]; mean: Column; most: Column } {
  const mean = fitted(times, rtt?.avg);
  return { at: isKnown(mean) ? times : [], mean, most: fitted(times, rtt?.max) };
}

export interface Summary {
  last: number | null;
  least: number | null;
  most: number | null;
  mean: number | null;
}
export function summaryOf(line: Column): Summary {
  const known = line.filter((value): value is number => value !== null);
  if (known.length === 0) return { last: null, least: null, most: null, mean: null };
  return {
    last: known[known.length - 1]!,
    least: Math.min(...known),
    most: Math.max(...known),
    mean: known.reduce((sum, value) => sum + value, 0) / known.length,
  };
}
