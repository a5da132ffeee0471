package window

import (
	"fmt"
	"strings"
	"testing"
)

// 2.5 zones: true at each instant (DESIGN 4). The clocks change: Berlin 2026-03-29 02:00 to 03:00, 2026-10-25 03:00 to 02:00; New York
// 2026-03-08 02:00 to 03:00, 2026-11-01 02:00 to 01:00; Lord Howe, by half an hour,
// 2026-04-05 02:00 to 01:30, 2026-10-04 02:00 to 02:30; Kolkata never.
func TestZones(t *testing.T) {
	for _, tt := range []struct{ name, zone, schedule, duration, from, to, want string }{
		{"night", "Europe/Berlin", "0 22 * * *", "8h", "2026-03-27T12:00:00Z", "2026-03-30T12:00:00Z", `
03-27 22:00 CET - 03-28 06:00 CET
03-28 22:00 CET - 03-29 07:00 CEST
03-29 22:00 CEST - 03-30 06:00 CEST`},
		{"night", "Europe/Berlin", "0 22 * * *", "8h", "2026-10-23T12:00:00Z", "2026-10-26T12:00:00Z", `
10-23 22:00 CEST - 10-24 06:00 CEST
10-24 22:00 CEST - 10-25 05:00 CET
10-25 22:00 CET - 10-26 06:00 CET`},
		{"a skipped time", "Europe/Berlin", "30 2 * * *", "1h", "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z", `
03-28 02:30 CET - 03-28 03:30 CET
03-29 03:00 CEST - 03-29 04:00 CEST
03-30 02:30 CEST - 03-30 03:30 CEST`},
		{"a skipped day of the month", "Europe/Berlin", "30 2 29 3 *", "1h", "2026-03-01T00:00:00Z", "2026-12-01T00:00:00Z", "03-29 03:00 CEST - 03-29 04:00 CEST"},
		{"two skipped times are one opening", "Europe/Berlin", "10,50 2 * * *", "15m", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", "03-29 03:00 CEST - 03-29 03:15 CEST"},
		{"the bounds of what is skipped", "Europe/Berlin", "0 2,3 * * *", "30m", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", "03-29 03:00 CEST - 03-29 03:30 CEST"},
		{"a skipped time of a star", "Europe/Berlin", "*/30 2 * * *", "10m", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", "03-29 03:00 CEST - 03-29 03:10 CEST"},
		{"a repeated time", "Europe/Berlin", "30 2 * * *", "1h", "2026-10-24T00:00:00Z", "2026-10-27T00:00:00Z", `
10-24 02:30 CEST - 10-24 03:30 CEST
10-25 02:30 CEST - 10-25 02:30 CET
10-26 02:30 CET - 10-26 03:30 CET`},
		{"the bounds of what is repeated", "Europe/Berlin", "0 2,3 * * *", "30m", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", `
10-25 02:00 CEST - 10-25 02:30 CEST
10-25 03:00 CET - 10-25 03:30 CET`},
		{"a repeated time of a star", "Europe/Berlin", "30 * * * *", "10m", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z", `
10-25 02:30 CEST - 10-25 02:40 CEST
10-25 02:30 CET - 10-25 02:40 CET`},
		{"every hour has no holes in spring", "Europe/Berlin", "0 * * * *", "1h", "2026-03-01T00:00:00Z", "2026-04-30T00:00:00Z", "03-01 01:00 CET - for ever"},
		{"nor in autumn", "Europe/Berlin", "*/15 * * * *", "15m", "2026-10-01T00:00:00Z", "2026-11-30T00:00:00Z", "10-01 02:00 CEST - for ever"},
		{"a long day outlasts 24h", "Europe/Berlin", "0 0 * * *", "24h", "2026-03-01T00:00:00Z", "2026-11-01T00:00:00Z", `
03-01 01:00 CET - 10-25 23:00 CET
10-26 00:00 CET - 10-31 23:00 CET`},
		{"weekdays", "Europe/Berlin", "0 9 * * MON-FRI", "8h", "2026-03-27T00:00:00Z", "2026-03-31T00:00:00Z", `
03-27 09:00 CET - 03-27 17:00 CET
03-30 09:00 CEST - 03-30 17:00 CEST`},

		{"a skipped time", "America/New_York", "30 2 * * *", "1h", "2026-03-07T00:00:00Z", "2026-03-10T00:00:00Z", `
03-07 02:30 EST - 03-07 03:30 EST
03-08 03:00 EDT - 03-08 04:00 EDT
03-09 02:30 EDT - 03-09 03:30 EDT`},
		{"a repeated time", "America/New_York", "30 1 * * *", "1h", "2026-10-31T00:00:00Z", "2026-11-03T00:00:00Z", `
10-31 01:30 EDT - 10-31 02:30 EDT
11-01 01:30 EDT - 11-01 01:30 EST
11-02 01:30 EST - 11-02 02:30 EST`},
		{"from midnight, across", "America/New_York", "0 0 * * *", "3h", "2026-10-31T12:00:00Z", "2026-11-01T12:00:00Z", "11-01 00:00 EDT - 11-01 02:00 EST"},

		{"half an hour is repeated", "Australia/Lord_Howe", "45 1 * * *", "20m", "2026-04-03T12:00:00Z", "2026-04-05T18:00:00Z", `
04-04 01:45 +11 - 04-04 02:05 +11
04-05 01:45 +11 - 04-05 01:35 +1030
04-06 01:45 +1030 - 04-06 02:05 +1030`},
		{"half an hour is repeated, with a star", "Australia/Lord_Howe", "45 * * * *", "5m", "2026-04-04T14:30:00Z", "2026-04-04T16:30:00Z", `
04-05 01:45 +11 - 04-05 01:50 +11
04-05 01:45 +1030 - 04-05 01:50 +1030
04-05 02:45 +1030 - 04-05 02:50 +1030`},
		{"half an hour is skipped", "Australia/Lord_Howe", "15 2 * * *", "1h", "2026-10-02T12:00:00Z", "2026-10-04T20:00:00Z", `
10-03 02:15 +1030 - 10-03 03:15 +1030
10-04 02:30 +11 - 10-04 03:30 +11
10-05 02:15 +11 - 10-05 03:15 +11`},
		{"the rest of the hour is not skipped", "Australia/Lord_Howe", "45 2 * * *", "1h", "2026-10-03T12:00:00Z", "2026-10-04T12:00:00Z", "10-04 02:45 +11 - 10-04 03:45 +11"},

		{"the end of a leap year", "Europe/Berlin", "0 22 * * *", "8h", "2040-12-30T12:00:00Z", "2041-01-01T12:00:00Z", `
12-30 22:00 CET - 12-31 06:00 CET
12-31 22:00 CET - 01-01 06:00 CET`},
		{"no change", "Asia/Kolkata", "30 2 * * *", "1h", "2026-03-28T00:00:00Z", "2026-03-30T00:00:00Z", `
03-29 02:30 IST - 03-29 03:30 IST
03-30 02:30 IST - 03-30 03:30 IST`},
		{"no change", "Asia/Kolkata", "30 2 * * *", "1h", "2026-10-24T00:00:00Z", "2026-10-26T00:00:00Z", `
10-25 02:30 IST - 10-25 03:30 IST
10-26 02:30 IST - 10-26 03:30 IST`},
		{"no long days", "Asia/Kolkata", "0 0 * * *", "24h", "2026-03-28T00:00:00Z", "2026-10-26T00:00:00Z", "03-28 05:30 IST - for ever"},

		{"midnight is skipped", "Africa/Cairo", "0 0 * * *", "1h", "2026-04-23T12:00:00Z", "2026-04-24T12:00:00Z", "04-24 01:00 EEST - 04-24 02:00 EEST"},
		{"a day is skipped", "Pacific/Apia", "0 9 30 12 *", "1h", "2011-12-01T00:00:00Z", "2012-01-31T00:00:00Z", "12-31 00:00 +14 - 12-31 01:00 +14"},
		{"a zone of seconds", "Africa/Monrovia", "0 9 * * *", "1h", "1960-01-01T00:00:00Z", "1960-01-02T00:00:00Z", "01-01 09:00 MMT - 01-01 10:00 MMT"},
	} {
		t.Run(tt.zone+"/"+tt.name, func(t *testing.T) {
			ws := compiled(t, fmt.Sprintf("[{kind: deny, schedule: %q, duration: %s, timeZone: %s}]", tt.schedule, tt.duration, tt.zone))
			check(t, calendar(ws, instant(t, tt.from), instant(t, tt.to)), strings.TrimSpace(tt.want))
		})
	}
}
