-- GETs of one URL after another that was never asked for before; the first number is the argument after the URL.
local number = 0

function init(args)
  number = tonumber(args[1]) or 0
  wrk.headers["User-Agent"] = "bench/1"
end

function request()
  number = number + 1
  return wrk.format("GET", wrk.path .. number)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('RESULT {"calls": %d, "failed": %d}\n',
    summary.requests, errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
