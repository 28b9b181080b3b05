-- Returns the number in the field `capacity`, or nil if it is none that create writes (LESSON_STORE_CAPACITY_MAX).
local function capacity_of(text)
    local number = text:find('^%d+$') and tonumber(text)
    return number and number <= 1000000000 and number or nil
end
