-- A session in Ardour without a window: two MIDI tracks and MIDI clock out. Each line on stdin is Lua; what it
-- returns comes back as one line after "answer: ".
AudioEngine:set_backend("JACK", "ardour", "")
s = assert(create_session(os.getenv("DAW_SESSION"), "daw", 48000))
ARDOUR.config():set_send_midi_clock(true)

local midi = ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1)
function track(name)
	local made = s:new_midi_track(midi, midi, true, ARDOUR.PluginInfo(), nil, nil, 1, name,
		ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
	for route in made:iter() do return route end
end
keys, take = track("keys"), track("take")

function arm(route, on)
	route:rec_enable_control():set_value(on, PBD.GroupControlDisposition.NoGroup)
	if on == 1 then s:maybe_enable_record() end
end
function locate(sample)
	s:request_locate(sample, false, ARDOUR.LocateTransportDisposition.MustStop, ARDOUR.TransportRequestSource.TRS_UI)
end
function roll() s:request_roll(ARDOUR.TransportRequestSource.TRS_UI) end
function halt() s:request_stop(false, false, ARDOUR.TransportRequestSource.TRS_UI) end

local function tell(text) io.stdout:write("answer: " .. tostring(text) .. "\n") io.stdout:flush() end
tell("ready")
for line in io.stdin:lines() do
	if line == "quit" then break end
	local chunk, mistake = load(line)
	if chunk == nil then tell(mistake) else
		local _, result = pcall(chunk)
		tell(result)
	end
end
close_session()
quit()
