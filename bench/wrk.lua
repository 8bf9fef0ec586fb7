-- A POST of about 1 KB, or of the file that the variable BODY names, with the headers an SDK sends; prints the summary
-- as one JSON line.
local words = {}
for i = 1, 96 do words[i] = '"word' .. string.format("%03d", i) .. '"' end
wrk.method = "POST"
wrk.body = '{"model": "small", "input": [' .. table.concat(words, ",") .. "]}"
local file = os.getenv("BODY")
if file then
  local opened = assert(io.open(file, "rb"))
  wrk.body = opened:read("*a")
  opened:close()
end
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json"
wrk.headers["User-Agent"] = "bench/1"
wrk.headers["Authorization"] = "Bearer sk-0000000000000000000000000000000000000000000000000000000000000000"
wrk.headers["X-Client-Lang"] = "python"

function done(summary, latency)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write
  io.write(string.format(
    'RESULT {"calls": %d, "failed": %d, "broken": %d, "refused": %d, "slow": %d, "seconds": %.6f, "p50_us": %d, "p99_us": %d}\n',
    summary.requests, broken + errors.status + errors.timeout, broken, errors.status, errors.timeout,
    summary.duration / 1e6, latency:percentile(50), latency:percentile(99)))
end
