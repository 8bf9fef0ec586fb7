-- A GET as a browser or a small device sends it; prints the summary as one JSON line.
wrk.headers["Accept"] = "application/json"
wrk.headers["User-Agent"] = "bench/1"

function done(summary, latency)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write
  io.write(string.format(
    'RESULT {"calls": %d, "failed": %d, "seconds": %.6f, "p50_us": %d, "p95_us": %d, "p99_us": %d}\n',
    summary.requests, broken + errors.status + errors.timeout, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
