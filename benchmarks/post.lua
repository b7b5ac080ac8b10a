-- Posts a spec over and over, each time under another seed, from a given one on; writes what came of it as JSON.

local before, after, seed

function init(arguments)
  before, after, seed = arguments[1], arguments[2], tonumber(arguments[3])
  wrk.method = "POST"
  wrk.headers["content-type"] = "application/json"
end

function request()
  seed = seed + 1
  return wrk.format(nil, nil, nil, before .. seed .. after)
end

function done(summary, latency, requests)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.status + summary.errors.timeout
  io.write(string.format('\n{"requests": %d, "microseconds": %d, "failed": %d}\n',
    summary.requests, summary.duration, failed))
end
