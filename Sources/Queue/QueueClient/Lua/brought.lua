-- brought.lua: the entries that workers have brought back after a loss (restore.lua), put in front of every script that
-- looks at those inside.
-- A worker remembers thousands of entries, and to write them into the sorted set of those inside costs Redis two
-- microseconds each. So they stay as they came, in pages, until the first pass of a page ends; then tick.lua moves the
-- page to the others. Keys, all with the prefix of KEYS[1]:
--   brought          zset: page -> when the first of its passes ends (ms)
--   brought:<page>   a string of records in no order, one for each of the page's numbers that is inside:
--                    the number less the first of the page (2 bytes), and when the pass ends (6 bytes, ms)
-- Page p has the PAGE numbers from p * PAGE on. The field `brought` of the state counts the records.
-- ARGV: see the script after it.
-- Returns nothing by itself.
-- Invariants: a number with a record is done, and not in KEYS[5] as long as no key is evicted; a page without a record
-- has no key and is not in the zset.

local RECORD = 8
local brought_made

-- What can be done with them. Made when it is first asked for: Lua makes each function anew with each call of a script,
-- and few rooms have such entries (with these made each time a tick took 1.3 to 1.5 times as long).
local function brought()
  if brought_made then return brought_made end
  local brought = {index = string.sub(KEYS[1], 1, -6) .. 'brought', record = RECORD}

  function brought.name(page) return brought.index .. ':' .. page end

  function brought.pages() return redis.call('ZRANGEBYSCORE', brought.index, '-inf', '+inf') end

  -- A record's place in the number's page, and when the pass ends; nil without one.
  function brought.find(records, number)
    local own = struct.pack('>I2', number % PAGE)
    local at = string.find(records, own, 1, true)
    while at and at % RECORD ~= 1 do at = string.find(records, own, at + 1, true) end
    if at then return at, (struct.unpack('>I6', records, at + 2)) end
  end

  -- When the pass of a number ends that was brought; nil for another one.
  function brought.end_of(number)
    local records = redis.call('GET', brought.name(math.floor(number / PAGE)))
    if not records then return nil end
    local at, ends = brought.find(records, number)
    return ends
  end

  -- When the first pass ends of these records.
  function brought.first_end(records)
    local first = math.huge
    for at = 3, #records, RECORD do first = math.min(first, (struct.unpack('>I6', records, at))) end
    return first
  end

  -- Takes a number's record away. Returns how many there were: 0 or 1.
  function brought.cut(number)
    local page = math.floor(number / PAGE)
    local name = brought.name(page)
    local records = redis.call('GET', name)
    local at, ends = brought.find(records or '', number)
    if not at then return 0 end
    records = string.sub(records, 1, at - 1) .. string.sub(records, at + RECORD)
    if records == '' then
      redis.call('DEL', name)
      redis.call('ZREM', brought.index, page)
    else
      redis.call('SET', name, records, 'KEEPTTL')
      if tonumber(redis.call('ZSCORE', brought.index, page) or ends) >= ends then
        redis.call('ZADD', brought.index, brought.first_end(records), page)
      end
    end
    return 1
  end

  -- The records whose passes end later than now, and no later than `latest`: a pass beyond it is of a clock that was
  -- ahead, and ends then.
  --   lets(at)  whether the record with this number in the page is wanted; nil: all are
  function brought.running(records, now, latest, lets)
    local kept, last = {}, '>I2I6'
    for from = 1, #records, RECORD do
      local at, ends = struct.unpack(last, records, from)
      if ends > now and (not lets or lets(at, ends)) then
        local record = string.sub(records, from, from + RECORD - 1)
        kept[#kept + 1] = ends <= latest and record or struct.pack(last, at, latest)
      end
    end
    return table.concat(kept)
  end

  -- All of these records end at `ends`.
  function brought.ending_at(records, ends)
    local text = string.gsub(struct.pack('>I6', ends), '%%', '%%%%')
    return (string.gsub(records, '(..)......', '%1' .. text))
  end

  -- No pass ends later than `latest`, see end_by in constants.lua.
  function brought.end_by(latest)
    for _, page in ipairs(brought.pages()) do
      local name = brought.name(page)
      local records = brought.running(redis.call('GET', name) or '', -1, latest)
      if records ~= '' then
        redis.call('SET', name, records, 'KEEPTTL')
        redis.call('ZADD', brought.index, brought.first_end(records), page)
      end
    end
  end

  -- Counts the records, and forgets pages whose key is gone.
  function brought.count()
    local sum = 0
    for _, page in ipairs(brought.pages()) do
      local bytes = redis.call('STRLEN', brought.name(page))
      if bytes == 0 then redis.call('ZREM', brought.index, page) end
      sum = sum + bytes / RECORD
    end
    redis.call('PEXPIRE', brought.index, ROOM_MS)
    return sum
  end

  -- Moves the first page that is due to the others inside, or none: nothing is due, or PASSES_MAX passes have ended
  -- before the first of the page. Returns how many records it had, and how many of them are new to KEYS[5]; nil for
  -- none.
  function brought.move(now)
    local due = redis.call('ZRANGEBYSCORE', brought.index, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 1)
    if not due[1] then return nil end
    local last = redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now, 'WITHSCORES', 'LIMIT', PASSES_MAX - 1, 1)
    if last[2] and tonumber(last[2]) < tonumber(due[2]) then return nil end
    local name, first = brought.name(due[1]), due[1] * PAGE
    local records, words = redis.call('GET', name) or '', {}
    for from = 1, #records, RECORD do
      local at, ends = struct.unpack('>I2I6', records, from)
      words[#words + 1] = ends
      words[#words + 1] = first + at
    end
    redis.call('DEL', name)
    redis.call('ZREM', brought.index, due[1])
    return #records / RECORD, in_slices('ZADD', KEYS[5], words, 'GT')
  end

  brought_made = brought
  return brought
end
